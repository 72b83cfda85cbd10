"""What Prometheus is told to scrape is there, under the names it is told."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.manifests.checks.objects import (
    NAMESPACE,
    Finding,
    Object,
    Objects,
    Pod,
    matches,
    name,
    of_kind,
    pods,
)

_LABEL, _UNSAFE = "__meta_kubernetes_pod_label_", re.compile(r"\W")
_JOB = re.compile(r'\bjob=~?"([^"]+)"')
_ENDPOINTS = {"PodMonitor": "podMetricsEndpoints", "ServiceMonitor": "endpoints"}
_KUBERAY, _NAMED = "kuberay-operator", "app.kubernetes.io/name"


def check(objects: Objects) -> Iterator[Finding]:
    """Yield monitors that select no pod, or a port that no selected pod has.

    Args:
        objects: Monitors, and everything that is deployed beside them.
    """
    every = list(pods(objects))
    for monitor in of_kind(objects, "PodMonitor"):
        spaces = monitor["spec"].get("namespaceSelector", {}).get("matchNames")
        spaces = spaces or [monitor["metadata"].get("namespace", NAMESPACE)]
        chosen = [
            pod
            for pod in every
            if pod.namespace in spaces and matches(monitor["spec"]["selector"], pod.labels)
        ]
        if not chosen:
            yield Finding("monitor.pods", name(monitor), str(monitor["spec"]["selector"]))
        ports = {
            port.get("name")
            for pod in chosen
            for container in pod.containers
            for port in container.get("ports", [])
        }
        for endpoint in monitor["spec"].get("podMetricsEndpoints", []) if chosen else ():
            if endpoint.get("port") not in ports:
                yield Finding("monitor.port", name(monitor), str(endpoint.get("port")))
            yield from _relabelled(name(monitor), endpoint, chosen)
    yield from _operator(objects)
    yield from _jobs(objects)


def _relabelled(where: str, endpoint: Object, chosen: list[Pod]) -> Iterator[Finding]:
    """Every sample has a job that we name, and labels that the pods have."""
    if endpoint.get("path", "/metrics") != "/metrics":
        yield Finding("monitor.path", where, endpoint["path"])
    rules = endpoint.get("relabelings", [])
    if not {"job", "ray_io_cluster"} <= {each.get("targetLabel") for each in rules}:
        yield Finding("monitor.relabelled", where, "job and ray_io_cluster")
    added = {_LABEL + "ray_io_cluster"}
    there = [{_LABEL + _UNSAFE.sub("_", key) for key in pod.labels} | added for pod in chosen]
    for source in (source for each in rules for source in each.get("sourceLabels", [])):
        if source.startswith(_LABEL) and not all(source in labels for labels in there):
            yield Finding("monitor.relabelled", where, source)


def _operator(objects: Objects) -> Iterator[Finding]:
    """The chart's Service, as KubeRay 1.7 makes it: port `http`, in its own namespace."""
    for monitor in of_kind(objects, "ServiceMonitor"):
        spec = monitor["spec"]
        found = [(each.get("port"), each.get("path", "/metrics")) for each in spec["endpoints"]]
        spaces = (spec.get("namespaceSelector") or {}).get("matchNames")
        labels = (spec.get("selector") or {}).get("matchLabels")
        if (found, spaces, labels) != ([("http", "/metrics")], [_KUBERAY], {_NAMED: _KUBERAY}):
            yield Finding("monitor.operator", name(monitor), f"{found}, {spaces}, {labels}")


def _jobs(objects: Objects) -> Iterator[Finding]:
    """Rules ask, by name or by pattern, for jobs that monitors make."""
    made = {job for monitor in of_kind(objects, *_ENDPOINTS) for job in _made(monitor["spec"])}
    for thing in of_kind(objects, "PrometheusRule"):
        for job in sorted(set(_JOB.findall(str(thing["spec"])))):
            if not any(re.fullmatch(job, each) for each in made):
                yield Finding("monitor.job", name(thing), job)


def _made(spec: Object) -> Iterator[str]:
    """Yield the jobs of a monitor; `$1` stands for the values that its selector names."""
    chosen = (spec.get("selector") or {}).get("matchExpressions", [])
    values = [value for each in chosen for value in each.get("values", [])]
    for endpoint in (each for key in _ENDPOINTS.values() for each in spec.get(key, [])):
        for rule in endpoint.get("relabelings", []):
            if rule.get("targetLabel") == "job":
                yield from (rule["replacement"].replace("$1", value) for value in values or [""])
