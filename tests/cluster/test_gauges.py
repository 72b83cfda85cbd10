"""Gauges on a real Ray that reports as it does in production: they stay while a service runs."""

import time

import httpx
import pytest
import ray
from prometheus_client.parser import text_string_to_metric_families

from models.names import MODELS
from tests.cluster.serving import served, until
from tests.deployments.company import recorded_and_registered

pytestmark = [pytest.mark.cluster, pytest.mark.thorough, pytest.mark.timeout(600)]

USUAL_MS = 10_000
LONG_S = 60.0
OF_EACH_MODEL = (
    "ray_devmind_model_loaded",
    "ray_devmind_questions_under_way",
    "ray_devmind_training_running",
)
EXPECTED = {(name, model) for name in OF_EACH_MODEL for model in MODELS} | {
    ("ray_devmind_exact_predictor", model) for model in MODELS if model != "failure_predictor"
}


@pytest.fixture(name="url", scope="module")
def _url(tmp_path_factory):
    place = recorded_and_registered(tmp_path_factory.mktemp("home"))
    with served(place.home, report_ms=USUAL_MS) as url:
        yield url


def shown():
    """Name and model of each gauge that the node's agent shows now."""
    (node,) = ray.nodes()
    agent = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
    families = text_string_to_metric_families(httpx.get(agent, timeout=30).text)
    return {(one.name, one.labels.get("model")) for family in families for one in family.samples}


def test_gauges_are_there_a_minute_after_a_model_was_loaded(url):
    """
    Nobody asks and nothing changes, and at no moment of a minute is a gauge missing.
    """
    until(lambda: httpx.get(f"{url}/ready", timeout=30).status_code == 200, "ready")
    until(lambda: shown() >= EXPECTED, "shown")
    missing, end = set(), time.monotonic() + LONG_S
    while time.monotonic() < end:
        missing |= EXPECTED - shown()
        time.sleep(1)

    assert missing == set()
