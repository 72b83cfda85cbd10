"""Waves of a sync: what a pod needs is there before it, and no wave waits for a later one.

Argo CD applies a wave, waits until it is healthy, and goes on to the next one.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.manifests.checks.objects import (
    Finding,
    Object,
    Objects,
    Pod,
    name,
    named,
    of_kind,
    pods,
    ray_clusters,
)

WAVE, HOOK = "argocd.argoproj.io/sync-wave", "argocd.argoproj.io/hook"
Moment = tuple[int, int]
_PHASES = {"PreSync": -1, "PostSync": 1}
_STORES = {"postgres", "redis", "mlflow"}
_FIRST = (
    *("Namespace", "ResourceQuota", "NetworkPolicy"),
    *("ServiceAccount", "Role", "RoleBinding", "ExternalSecret"),
)
"""They bound pods, or pods cannot start without them; an account's rights name no pod."""


def check(objects: Objects) -> Iterator[Finding]:
    """Yield what comes too late, or would be waited for in vain."""
    for thing in of_kind(objects, *_FIRST):
        if moment(thing) > (0, -2):
            yield Finding("operation.wave", name(thing), str(moment(thing)))
    for thing in of_kind(objects, "Deployment", "StatefulSet"):
        if thing["metadata"]["name"] in _STORES and moment(thing) >= (0, 0):
            yield Finding("operation.wave", name(thing), str(moment(thing)))
    yield from _late(objects)
    yield from _claims(objects)


def moment(thing: Object) -> Moment:
    """Return when an object is applied: its phase and its wave."""
    annotations = thing["metadata"].get("annotations") or {}
    return _PHASES.get(annotations.get(HOOK, ""), 0), int(annotations.get(WAVE, "0"))


def _late(objects: Objects) -> Iterator[Finding]:
    """A pod waits for what its template names; its wave waits for the pod."""
    there = {kind: named(objects, kind) for kind in ("ConfigMap", "ServiceAccount")}
    there["PersistentVolumeClaim"] = named(objects, "PersistentVolumeClaim")
    there["Secret"] = {
        each["spec"]["target"]["name"]: each for each in of_kind(objects, "ExternalSecret")
    }
    for where, owner, kind, wanted in _needs(objects):
        thing = there[kind].get(wanted)
        if thing is not None and moment(thing) > moment(owner):
            yield Finding("operation.needed-wave", where, name(thing))


def _claims(objects: Objects) -> Iterator[Finding]:
    """A claim is bound by its first pod, which is therefore not in a later wave."""
    claims = named(objects, "PersistentVolumeClaim")
    first: dict[str, Moment] = {}
    for _, owner, kind, wanted in _needs(objects):
        if kind == "PersistentVolumeClaim":
            first[wanted] = min(first.get(wanted, moment(owner)), moment(owner))
    for claim in claims.keys() & first.keys():
        if first[claim] > moment(claims[claim]):
            yield Finding("operation.claim-wave", name(claims[claim]), str(first[claim]))


def _needs(objects: Objects) -> Iterator[tuple[str, Object, str, str]]:
    """Yield what pods name: the place, who makes the pod, kind and name."""
    owners = {name(thing): thing for thing in objects}
    for pod in pods(objects):
        owner = owners[pod.where.split()[0]]
        if pod.spec.get("serviceAccountName"):
            yield pod.where, owner, "ServiceAccount", pod.spec["serviceAccountName"]
        for kind, wanted in (*_mounted(pod), *_environment(pod)):
            yield pod.where, owner, kind, wanted
    for where, owner, cluster in ray_clusters(objects):
        yield where, owner, "Secret", (cluster.get("authOptions") or {}).get("secretName", "")
        redis = (cluster.get("gcsFaultToleranceOptions") or {}).get("redisPassword") or {}
        reference = (redis.get("valueFrom") or {}).get("secretKeyRef") or {}
        yield where, owner, "Secret", reference.get("name", "")


def _mounted(pod: Pod) -> Iterator[tuple[str, str]]:
    for volume in pod.spec.get("volumes", []):
        sources = [volume, *(volume.get("projected") or {}).get("sources", [])]
        for source in sources:
            if "configMap" in source:
                yield "ConfigMap", source["configMap"]["name"]
            if "secret" in source:
                yield "Secret", source["secret"].get("secretName") or source["secret"]["name"]
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]


def _environment(pod: Pod) -> Iterator[tuple[str, str]]:
    kinds = {"configMapRef": "ConfigMap", "configMapKeyRef": "ConfigMap"}
    kinds |= {"secretRef": "Secret", "secretKeyRef": "Secret"}
    for container in pod.containers:
        values = [each.get("valueFrom") or {} for each in container.get("env", [])]
        for source in (*container.get("envFrom", []), *values):
            for key in kinds.keys() & source.keys():
                yield kinds[key], source[key]["name"]
