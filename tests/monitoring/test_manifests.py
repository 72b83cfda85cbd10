"""What `kubectl kustomize k8s/monitoring` gives is what the cluster takes."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.monitoring.files import DASHBOARDS, MONITORING, ROOT, RULES, monitors


@pytest.fixture(name="rendered", scope="module")
def _rendered():
    kubectl = os.environ.get("KUBECTL") or shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed: put it on the PATH, or name it in KUBECTL")
    command = [kubectl, "kustomize", str(MONITORING)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(name="schemas", scope="module")
def _schemas():
    folder = Path(os.environ.get("DEVMIND_SCHEMAS", ROOT.parent / "shared" / "schemas"))
    if not folder.is_dir():
        pytest.skip(f"strict schemas are absent: {folder} does not exist; set DEVMIND_SCHEMAS")
    return folder


def test_monitors_and_rules_are_valid(rendered, schemas):
    """
    Every PodMonitor, ServiceMonitor and PrometheusRule obeys the operator's schema, strictly.
    """
    ours = [one for one in rendered if one["apiVersion"] == "monitoring.coreos.com/v1"]
    for one in ours:
        schema = json.loads((schemas / f"monitoring.coreos.com_v1_{one['kind']}.json").read_text())
        jsonschema.Draft7Validator(schema).validate(one)

    shipped = {one["metadata"]["name"] for one in ours if one["kind"] != "PrometheusRule"}
    assert shipped == {one["metadata"]["name"] for one in monitors()}
    assert len(ours) == len(shipped) + len(RULES)


def test_everything_is_found_by_its_label(rendered):
    """
    Monitors and rules bear the label that Prometheus selects by, dashboards the one of Grafana's
    sidecar, and all live in the service's namespace.
    """
    for one in rendered:
        labels = one["metadata"]["labels"]
        assert labels["release"] == "prometheus"
        assert one["metadata"]["namespace"] == "devmind-pipeline"
        if "dashboard-" in one["metadata"]["name"]:
            assert labels["grafana_dashboard"] == "1"


def test_grafanas_own_data_source_is_left_alone(rendered):
    """
    No data source is shipped: kube-prometheus-stack has one of the name that Ray looks for.
    """
    assert not [one for one in rendered if "grafana_datasource" in one["metadata"]["labels"]]


def test_every_dashboard_is_shipped(rendered):
    """
    Each committed dashboard is in a ConfigMap, unchanged.
    """
    shipped = {
        name: text
        for one in rendered
        if one["kind"] == "ConfigMap"
        for name, text in one["data"].items()
        if name.endswith(".json")
    }

    assert shipped == {path.name: path.read_text() for path in DASHBOARDS}
