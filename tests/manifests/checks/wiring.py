"""Labels, ports, probes and budgets within what is applied together: each finds its other end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.manifests.checks import told
from tests.manifests.checks.objects import (
    Finding,
    Object,
    Objects,
    Pod,
    matches,
    name,
    named,
    of_kind,
    pods,
    ray_clusters,
)

_PORT = ("name", "containerPort")


def check(objects: Objects) -> Iterator[Finding]:
    """Yield what has no other end, or two."""
    for thing in of_kind(objects, "Deployment", "StatefulSet"):
        labels = thing["spec"]["template"]["metadata"].get("labels") or {}
        if not matches(thing["spec"]["selector"], labels):
            yield Finding("wiring.selector", name(thing), str(thing["spec"]["selector"]))
    yield from _budgets(objects)
    for each in told.containers(objects):
        yield from _ports(each)
        yield from _probes(each)
    yield from _numbers(objects)
    yield from _listening(objects)
    yield from _governed(objects)


def _budgets(objects: Objects) -> Iterator[Finding]:
    """Of the pods that a budget keeps, one may always go; the head is one of one."""
    owners = {name(each): each for each in objects}
    for budget in of_kind(objects, "PodDisruptionBudget"):
        spec = budget["spec"]
        chosen = [pod for pod in pods(objects) if matches(spec.get("selector"), pod.labels)]
        least = sum(_least(owners[pod.where.split()[0]], pod) for pod in chosen)
        heads = [pod for pod in chosen if pod.labels.get("ray.io/node-type") == "head"]
        if heads or len(chosen) != 1 or int(spec.get("minAvailable", 0)) >= least:
            places = ", ".join(pod.where for pod in chosen)
            yield Finding("wiring.budget", name(budget), f"{least} pods: {places or 'none'}")


def _least(owner: Object, pod: Pod) -> int:
    for _, _, cluster in ray_clusters([owner]):
        groups = {each["groupName"]: each for each in cluster.get("workerGroupSpecs", [])}
        return int(groups.get(pod.labels.get("ray.io/group"), {}).get("minReplicas", 0))
    return int(owner["spec"].get("replicas", 1))


def _ports(each: told.Told) -> Iterator[Finding]:
    ports = each.container.get("ports", [])
    names = Counter(port["name"] for port in ports if "name" in port)
    paths = Counter(mount["mountPath"] for mount in each.container.get("volumeMounts", []))
    for twice in [key for key, count in (names + paths).items() if count > 1]:
        yield Finding("wiring.twice", each.where, twice)
    for port in ports:
        if "hostPort" in port:
            yield Finding("wiring.host-port", each.where, str(port["hostPort"]))


def _probes(each: told.Told) -> Iterator[Finding]:
    there = {port.get(key) for port in each.container.get("ports", []) for key in _PORT}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        found = each.container.get(probe) or {}
        for how in ("httpGet", "tcpSocket", "grpc"):
            port = (found.get(how) or {}).get("port")
            if port is not None and port not in there:
                yield Finding("wiring.probe", each.where, f"{probe}: {port}")


def _numbers(objects: Objects) -> Iterator[Finding]:
    """In Ray's pods a name of a port stands for one number: a Service has one for all of them."""
    numbers: dict[str, int] = {}
    for each in told.containers(objects):
        for port in each.container.get("ports", []) if each.pod.ray else ():
            if numbers.setdefault(port["name"], port["containerPort"]) != port["containerPort"]:
                yield Finding("wiring.port-number", each.where, port["name"])


def _listening(objects: Objects) -> Iterator[Finding]:
    for where, _, cluster in ray_clusters(objects):
        params = cluster["headGroupSpec"].get("rayStartParams") or {}
        if params.get("dashboard-host", "0.0.0.0") != "0.0.0.0":  # noqa: S104 - in a pod
            yield Finding("wiring.dashboard", where, "KubeRay asks it by the pod's address")


def _governed(objects: Objects) -> Iterator[Finding]:
    for thing in of_kind(objects, "StatefulSet"):
        if thing["spec"].get("serviceName") not in named(objects, "Service"):
            yield Finding("wiring.service-name", name(thing), str(thing["spec"]["serviceName"]))
