"""What Prometheus is told to scrape is there, under the names it is told."""

from __future__ import annotations

from collections.abc import Iterator

from tests.manifests.checks.objects import (
    NAMESPACE,
    Finding,
    Objects,
    matches,
    name,
    of_kind,
    pods,
)


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
