"""Watching on a real Ray: asked under load, shadowed, slowed down, trained again, promoted."""

import threading
import time
from contextlib import contextmanager, suppress

import httpx
import msgspec
import pytest
import ray
from prometheus_client.parser import text_string_to_metric_families

from devmind.settings import ServerSettings
from devmind.wire import EventsBody
from history.open import open_history
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE
from models.registry import Registry
from tests.cluster.serving import lines, served, until
from tests.deployments.company import (
    PROJECT,
    bundle,
    failed_by,
    queued,
    record,
    register,
    scorecard,
    slowed,
)
from tests.monitoring.names import JOBS, WATCHED, read

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

MODEL = "build-optimizer"
DURATION = f"/api/v1/{MODEL}/predict"
RECORDED, SHADOWED, SLOW = 100, 30, 90
ESCAPED = RECORDED + SHADOWED + SLOW
ELSEWHERE = {"ray_devmind_shadow_builds", "ray_devmind_escapes_total"}
"""Metrics that a test of their own sees."""
OVER = ("succeeded", "failed")


@pytest.fixture(name="url", scope="module")
def _url(tmp_path_factory):
    """A service that retrains by itself; version 2 predicts thrice as long as the champion."""
    settings = ServerSettings(home=tmp_path_factory.mktemp("home"))
    with open_history(settings.database) as store:
        record(store, RECORDED)
    registry = Registry(settings.tracking_uri, settings.artifacts)
    promised = {"mae_s": 60.0, "pinball_s": 30.0, "coverage": 0.8}
    card = msgspec.structs.replace(scorecard(BUILD_OPTIMIZER), metrics=promised)
    for number, slower in enumerate((1.0, 3.0), start=1):
        made = bundle(BUILD_OPTIMIZER, settings.home, settings.home / str(number), slower=slower)
        registry.register(BUILD_OPTIMIZER, made, card)
    registry.promote(BUILD_OPTIMIZER, "1")
    register(registry, settings.home, models=[FAILURE_PREDICTOR, TEST_INTELLIGENCE])
    with pytest.MonkeyPatch.context() as env:
        env.setenv("AUTO_RETRAIN", "true")
        env.setenv("MIN_TRAINING_SAMPLES", "50")
        with served(settings.home) as url:
            yield url


def ok(response, status=200):
    assert response.status_code == status, response.text
    return response.json()


def status(url):
    models = ok(httpx.get(f"{url}/models/status", timeout=60))["models"]
    return next(model for model in models if model["model"] == MODEL)


def told(url, builds, *, times=1.0):
    """Record builds over HTTP, each *times* as long as usual."""
    for n in builds:
        body = EventsBody.of(slowed(n, times)).model_dump(mode="json")
        ok(httpx.post(f"{url}/api/v1/projects/{PROJECT}/events", json=body, timeout=60))


@contextmanager
def asking(url, answers):
    """Ask without pause, about the commits that are to come, until the block ends."""
    over = threading.Event()

    def ask(first):
        with httpx.Client(base_url=url, timeout=60) as client:
            n = first
            while not over.is_set():
                change = queued(n).change
                about = {"commit_hash": change.commit, "branch": change.branch}
                question = {"project_name": PROJECT, **about, "changed_files": ["src/cart.py"]}
                answers.append(client.post(DURATION, json=question))
                n = RECORDED + (n + 1) % SHADOWED
                time.sleep(0.02)

    threads = [threading.Thread(target=ask, args=(RECORDED + 10 * k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def metric(url, name, **labels):
    text = httpx.get(f"{url}/metrics", timeout=60).text
    return [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]


def test_a_shadow_answers_silently_under_load(url):
    """
    While a shadow answers beside the champion no request fails and no caller sees its answers; when
    both have answered for the builds that were wanted, the gate has compared them, and refused.
    """
    answers = []
    body = {"version": "2", "builds": SHADOWED, "promote_if_better": True}
    with asking(url, answers):
        ok(httpx.post(f"{url}/models/{MODEL}/shadow", json=body, timeout=60))
        until(lambda: metric(url, "devmind_shadow_answers_total", state="answered"), "shadowing")
        told(url, range(RECORDED, RECORDED + SHADOWED))
        until(lambda: status(url)["versions"][0]["gate"], "compared")
    shadow = {"model": BUILD_OPTIMIZER, "version": "2"}
    until(lambda: metric(url, "devmind_shadow_builds", **shadow), "shown")

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["model_version"] for answer in answers} == {"1"}
    found = status(url)
    second, _first = found["versions"]
    assert (found["champion"], second["earned"], found["shadow"]) == ("1", False, None)
    assert second["gate"][0].startswith("shadowed version 1 for")
    assert "worse than the champion's" in " ".join(second["gate"])


def test_figures_are_in_the_status_and_in_the_metrics(url):
    """
    What had been predicted for finished builds is scored, for people and for Prometheus alike.
    """
    watching = status(url)["watching"]
    figures = watching[0]["figures"]
    labels = {"model": BUILD_OPTIMIZER, "project": PROJECT}

    assert [watch["project"] for watch in watching] == [PROJECT]
    assert 0 < figures["error"] < 60
    assert figures["error_ratio"] == pytest.approx(figures["error"] / 60)
    assert sum(metric(url, "devmind_watched_builds_total", **labels)) >= watching[0]["builds"]
    until(
        lambda: metric(url, "devmind_rolling_error", **labels) == [pytest.approx(figures["error"])],
        "shown",
    )


def unexposed(wanted):
    """Which of those metrics Ray's agent does not expose with the labels they are read by."""
    (node,) = ray.nodes()
    agent = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
    families = text_string_to_metric_families(httpx.get(agent, timeout=60).text)
    found = [sample for family in families for sample in family.samples]
    needed = {name: labels for name, labels in read().items() if name in wanted}
    assert needed.keys() == wanted
    return {
        name
        for name, labels in needed.items()
        if not any(one.name == name and labels <= one.labels.keys() for one in found)
    }


@pytest.mark.usefixtures("url")
def test_every_figure_is_exposed_with_the_labels_it_is_read_by():
    """
    What rules and dashboards read of builds that were watched is exposed by Ray's agent, under the
    name and with the labels that they use.
    """
    wanted = WATCHED - JOBS - ELSEWHERE
    with suppress(pytest.fail.Exception):  # the assertion says which are missing
        until(lambda: not unexposed(wanted), "exposed")

    assert unexposed(wanted) == set()


def test_drift_starts_a_training_whose_model_is_promoted(url):
    """
    Builds that have become five times as long start one training job, which says why; its model
    passes the gate and serves, and the metrics tell of the job.
    """
    first = RECORDED + SHADOWED
    told(url, range(first, first + SLOW), times=5.0)
    until(lambda: ok(httpx.get(f"{url}/models/jobs", timeout=60))["jobs"], "started")
    jobs = ok(httpx.get(f"{url}/models/jobs", timeout=60))["jobs"]
    path = f"{url}/models/jobs/{jobs[0]['job_id']}"
    for _ in range(2):  # a training takes minutes on a busy machine
        with suppress(pytest.fail.Exception):
            until(lambda: ok(httpx.get(path, timeout=60))["state"] in OVER, "over")
    until(lambda: status(url)["serving"] == "3", "served")

    assert [job["model"] for job in jobs] == [MODEL]
    assert "of what was promised over" in jobs[0]["detail"]
    found = status(url)
    assert (found["champion"], found["previous"]) == ("3", "1")
    assert found["versions"][0]["earned"]
    until(lambda: not unexposed(JOBS), "told")


def test_tests_that_escape_are_counted_and_named_in_the_log(url):
    """
    When a build fails by tests that somebody's selection had left out, they are counted, and the
    log names the build and the tests.
    """
    build = queued(ESCAPED)
    question = {
        "project_name": PROJECT,
        "commit_hash": build.change.commit,
        "changed_files": ["src/cart.py"],
        "target": {"time_share": 0.3},
    }
    answer = ok(httpx.post(f"{url}/api/v1/test-intelligence/select", json=question, timeout=60))
    left_out = answer["skipped_tests"][:2]
    body = EventsBody.of(failed_by(build, left_out)).model_dump(mode="json")
    ok(httpx.post(f"{url}/api/v1/projects/{PROJECT}/events", json=body, timeout=60))
    until(lambda: metric(url, "devmind_escapes_total", project=PROJECT) == [2], "counted")
    until(lambda: [one for one in lines() if one["event"] == "tests escaped"], "said")

    (line,) = [one for one in lines() if one["event"] == "tests escaped"]
    assert (line["build"], line["project"]) == (build.build_id, PROJECT)
    assert sorted(line["tests"]) == sorted(left_out)
