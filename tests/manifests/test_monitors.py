"""Monitors find what they are to scrape."""

from __future__ import annotations

from copy import deepcopy

import pytest

from tests.conftest import ROOT
from tests.manifests import rendering
from tests.manifests.checks import monitors

MONITOR = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "PodMonitor",
    "metadata": {"name": "heads", "namespace": "devmind-pipeline"},
    "spec": {
        "selector": {"matchLabels": {"ray.io/node-type": "head"}},
        "podMetricsEndpoints": [
            {"port": port} for port in ("metrics", "as-metrics", "dash-metrics")
        ],
    },
}


def test_every_monitor_of_ours_finds_its_pods():
    """
    Each PodMonitor below k8s/ selects pods of production that have the ports it names.
    """
    others = [folder for folder in rendering.kustomizations() if ROOT / "k8s" in folder.parents]
    found = [
        each
        for folder in others
        for each in rendering.render(folder)
        if each["kind"] == "PodMonitor"
    ]

    assert list(monitors.check([*rendering.render(rendering.PRODUCTION), *found])) == []


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
