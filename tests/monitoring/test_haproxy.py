"""What Serve's HAProxy exposes is what our monitor scrapes."""

import re

import yaml
from ray.serve._private import constants
from ray.serve._private.haproxy_templates import HAPROXY_CONFIG_TEMPLATE

from tests.monitoring.files import ROOT, monitors


def test_the_exporter_is_open_to_prometheus_in_every_pod_that_has_a_proxy():
    """
    Serve renders the exporter whatever its settings, on all interfaces of the pod, at the port that
    the pods name `haproxy`.
    """
    service = yaml.safe_load((ROOT / "kuberay" / "rayservice" / "rayservice.yaml").read_text())
    cluster = service["spec"]["rayClusterConfig"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    ports = [one for g in groups for one in g["template"]["spec"]["containers"][0]["ports"]]
    found = {one["containerPort"] for one in ports if one["name"] == "haproxy"}
    before, _, exporter = HAPROXY_CONFIG_TEMPLATE.partition("frontend prometheus")

    assert len([one for one in ports if one["name"] == "haproxy"]) == len(groups)
    assert found == {constants.RAY_SERVE_HAPROXY_METRICS_PORT} == {9101}
    assert exporter.startswith("\n    bind :{{ config.metrics_port }}\n")
    assert len(re.findall(r"{%-? if", before)) == len(re.findall(r"{%-? endif", before))


def test_only_the_services_own_pods_have_the_services_jobs():
    """
    Heads and workers that serve are told from those that train or that somebody develops on.
    """
    roles = {}
    for monitor in monitors():
        selector = monitor["spec"]["selector"]
        for endpoint in monitor["spec"].get("podMetricsEndpoints", []):
            (job,) = [one for one in endpoint["relabelings"] if one["targetLabel"] == "job"]
            role = selector["matchLabels"].get("devmind.io/role", "others")
            roles.setdefault(role, set()).add(job["replacement"])

    assert roles == {
        "head": {"devmind-ray-head", "devmind-haproxy-head", "devmind-ray-beside"},
        "serve-worker": {"devmind-ray-worker", "devmind-haproxy"},
        "others": {"devmind-ray-$1"},
    }
