"""Monitors find what they are to scrape."""

from __future__ import annotations

from copy import deepcopy

import pytest

from tests.conftest import ROOT
from tests.manifests import mutations, rendering
from tests.manifests.checks import monitors

RELABELLED = [
    {
        "sourceLabels": ["__meta_kubernetes_pod_label_ray_io_cluster"],
        "targetLabel": "ray_io_cluster",
    },
    {"targetLabel": "job", "replacement": "heads"},
]
MONITOR = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "PodMonitor",
    "metadata": {"name": "heads", "namespace": "devmind-pipeline"},
    "spec": {
        "selector": {"matchLabels": {"ray.io/node-type": "head"}},
        "podMetricsEndpoints": [
            {"port": port, "relabelings": RELABELLED}
            for port in ("metrics", "as-metrics", "dash-metrics")
        ],
    },
}

_ENDPOINT = "spec.podMetricsEndpoints.0"
MISTAKES = {
    ("PodMonitor/devmind-ray-head", _ENDPOINT): [
        ("monitor.path", "path", "/metric"),
        ("monitor.relabelled", "relabelings", []),
        ("monitor.relabelled", "relabelings.0.sourceLabels", ["__meta_kubernetes_pod_label_ray"]),
        ("monitor.job", "relabelings.1.replacement", "devmind-head"),
    ],
    ("PodMonitor/devmind-ray-worker", ""): [
        ("monitor.pods", "spec.selector.matchLabels", {"devmind.io/role": "worker"}),
        ("monitor.port", f"{_ENDPOINT}.port", "metric"),
    ],
    ("ServiceMonitor/kuberay-operator", "spec"): [
        ("monitor.operator", "endpoints.0.port", "metrics"),
        ("monitor.operator", "endpoints.0.path", "/"),
        ("monitor.operator", "namespaceSelector.matchNames", ["kuberay"]),
        ("monitor.operator", "selector.matchLabels", {"app.kubernetes.io/name": "kuberay"}),
        ("monitor.job", "endpoints.0.relabelings.0.replacement", "kuberay"),
    ],
}


def watched():
    """What is deployed, beside what watches it."""
    return [*rendering.render(rendering.PRODUCTION), *rendering.render(ROOT / "k8s/monitoring")]


def test_every_monitor_of_ours_finds_its_pods():
    """
    Each monitor selects pods of production that have the ports it names, and makes the jobs that
    rules ask for.
    """
    assert list(monitors.check(watched())) == []


@pytest.mark.parametrize("mutation", list(mutations.table(MISTAKES)), ids=lambda each: each.title)
def test_a_mistake_in_a_monitor_is_caught(mutation):
    """
    Each of these mistakes is found by the rule that is there for it.
    """
    found = monitors.check(mutations.mutated(watched(), mutation))

    assert mutation.rule in {each.rule for each in found}


def test_a_monitor_of_ports_that_are_there_is_fine():
    """
    Heads have Ray's own port, the autoscaler's and the dashboard's.
    """
    assert list(monitors.check([*rendering.render(rendering.PRODUCTION), MONITOR])) == []


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("monitor.pods", {"selector": {"matchLabels": {"ray.io/node-type": "heads"}}}),
        ("monitor.pods", {"namespaceSelector": {"matchNames": ["ray"]}}),
        ("monitor.port", {"podMetricsEndpoints": [{"port": "http-metrics"}]}),
        ("monitor.port", {"selector": {"matchLabels": {"ray.io/node-type": "worker"}}}),
    ],
)
def test_a_monitor_of_nothing_is_caught(rule, change):
    """
    A wrong label, namespace or port is found before a graph stays empty.
    """
    monitor = deepcopy(MONITOR)
    monitor["spec"] |= change

    found = monitors.check([*rendering.render(rendering.PRODUCTION), monitor])

    assert rule in {each.rule for each in found}
