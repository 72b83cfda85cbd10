"""The way in: encrypted, bounded, without /metrics, and no other way beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from devmind.settings import ServerSettings
from tests.manifests.checks.agreement import services
from tests.manifests.checks.objects import (
    NAMESPACE,
    Finding,
    Object,
    Objects,
    name,
    named,
    of_kind,
    pods,
    ray_clusters,
)

_MATCHER = re.compile(r"(\w+)\(((?:`[^`]+`)(?:, ?`[^`]+`)*)\)")
_VALUES = {
    **dict.fromkeys(("Host", "HostRegexp", "Path", "PathPrefix", "PathRegexp"), 1),
    **dict.fromkeys(("Method", "ClientIP"), 1),
    **dict.fromkeys(("Header", "HeaderRegexp", "Query", "QueryRegexp"), 2),
}
"""Traefik's matchers, each with the number of its values."""
_STEPS = (
    (re.compile(r"!T|!F"), lambda found: "F" if found[0] == "!T" else "T"),
    (re.compile(r"\(([TF])\)"), lambda found: found[1]),
    (re.compile(r"([TF])&&([TF])"), lambda found: min(found[1], found[2])),
    (
        re.compile(r"(?<![!&])([TF])\|\|([TF])(?!&)"),
        lambda found: max(found[1], found[2]),
    ),
)
_BODY, _NODE_PORT, _CHANGING = "DEVMIND_MAX_BODY_BYTES", 30800, "PathPrefix(`/models`)"


def check(objects: Objects) -> Iterator[Finding]:
    """Yield what opens another way in, or the right one too far."""
    for route in of_kind(objects, "IngressRoute"):
        yield from _route(name(route), route["spec"], named(objects, "Middleware"))
    yield from _middlewares(objects)
    yield from _services(objects)
    for pod in pods(objects):
        for container in pod.containers:
            if any("hostPort" in port for port in container.get("ports", [])):
                yield Finding("routes.host-port", pod.where, container["name"])


def _route(where: str, spec: Object, known: dict[str, Object]) -> Iterator[Finding]:
    if spec.get("entryPoints") != ["websecure"] or not (spec.get("tls") or {}).get("secretName"):
        yield Finding("routes.encrypted", where, str(spec.get("entryPoints")))
    for rule in spec["routes"]:
        led = matched(rule["match"], "/metrics")
        if led is None:
            yield Finding("routes.match", where, rule["match"])
        elif led:
            yield Finding("routes.metrics", where, rule["match"])
        for each in (*rule.get("middlewares", []), *rule["services"]):
            if each.get("namespace", NAMESPACE) != NAMESPACE:
                yield Finding("routes.namespace", where, str(each))
        used = [known.get(each["name"], {}).get("spec", {}) for each in rule.get("middlewares", [])]
        wanted = {"rateLimit", "buffering"} | (set() if _CHANGING in rule["match"] else {"retry"})
        for kind in sorted(wanted.difference(*used)):
            yield Finding("routes.limits", where, f"{rule['match']}: no {kind}")


def matched(rule: str, path: str) -> bool | None:
    """Return whether a rule of Traefik's may match *path*; `None` if Traefik refuses the rule."""
    for found in _MATCHER.finditer(rule):
        if _VALUES.get(found[1]) != found[2].count("`") // 2:
            return None

    def answer(found: re.Match[str]) -> str:
        value = found[2].strip("`")
        hit = {"Path": path == value, "PathPrefix": path.startswith(value)}
        return "T" if hit.get(found[1], True) else "F"

    text, before = _MATCHER.sub(answer, rule).replace(" ", ""), ""
    while text != before:
        before = text
        for pattern, reduced in _STEPS:
            text = pattern.sub(reduced, text)
            if text != before:
                break
    return {"T": True, "F": False}.get(text)


def _middlewares(objects: Objects) -> Iterator[Finding]:
    """A middleware is of one kind; what Traefik refuses by its size, the service would as well."""
    said = [(each.get("data") or {}).get(_BODY) for each in of_kind(objects, "ConfigMap")]
    most = {int(each) for each in said if each} or {
        ServerSettings.model_fields["max_body_bytes"].default
    }
    for thing in of_kind(objects, "Middleware"):
        if len(thing["spec"]) != 1:
            yield Finding("routes.one-kind", name(thing), str(sorted(thing["spec"])))
        limit = thing["spec"].get("buffering", {}).get("maxRequestBodyBytes", 0)
        if "buffering" in thing["spec"] and {limit} != most:
            yield Finding("routes.body", name(thing), f"{limit}, {_BODY} {most}")


def _services(objects: Objects) -> Iterator[Finding]:
    """One pod is asked by the port of its node; everything else from within the cluster."""
    alone = [
        (thing["spec"]["serveService"]["metadata"]["name"])
        for thing in of_kind(objects, "RayService")
        if not thing["spec"]["rayClusterConfig"].get("workerGroupSpecs")
    ]
    for own, service in services(objects).items():
        spec = service.get("spec") or {}
        ports = [port.get("nodePort") for port in spec.get("ports", [])]
        inner = spec.get("type", "ClusterIP") == "ClusterIP" and not any(ports)
        outer = spec.get("type") == "NodePort" and ports == [_NODE_PORT]
        if not (outer if own in alone else inner):
            yield Finding("routes.service", f"Service/{own}", f"{spec.get('type')} {ports}")
    for where, _, cluster in ray_clusters(objects):
        head = cluster["headGroupSpec"]
        if head.get("serviceType", "ClusterIP") != "ClusterIP":
            yield Finding("routes.service", where, f"the head's, {head['serviceType']}")
