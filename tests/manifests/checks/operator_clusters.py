"""What KubeRay 1.7 refuses after the API server accepted it: clusters.

From `ray-operator/controllers/ray/utils/validation.go` of v1.7.0. A refusal there is an event that
nobody reads and a cluster that never comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.manifests.checks.objects import Finding, Object, Objects, name, of_kind, ray_clusters

NAMES = {"RayCluster": 53, "RayService": 47, "RayJob": 47, "RayCronJob": 36}
_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_GATED = {"networkPolicy", "tlsOptions", "historyServerOptions"}
_TOKENS_SINCE, _REVIEWS_SINCE = (2, 52), (2, 55)
_QUALIFIED = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?")


def check(objects: Objects) -> Iterator[Finding]:
    """Yield what the operator would refuse of the clusters in *objects*."""
    yield from _names(objects)
    for where, thing, cluster in ray_clusters(objects):
        upgrade = (cluster.get("upgradeStrategy") or {}).get("type")
        if thing["kind"] == "RayCluster" and upgrade not in {None, "None", "Recreate"}:
            yield Finding("operator.cluster-upgrade", where, str(upgrade))
        yield from _groups(where, cluster)
        yield from _restarts(where, cluster)
        yield from _tokens(where, cluster)
        yield from _gates(where, cluster)


def _names(objects: Objects) -> Iterator[Finding]:
    for thing in of_kind(objects, *NAMES):
        own = str(thing["metadata"].get("name") or thing["metadata"].get("generateName", "") + "x")
        if len(own) > NAMES[thing["kind"]] or not _LABEL.fullmatch(own):
            yield Finding(
                "operator.name", name(thing), f"at most {NAMES[thing['kind']]} of a-z0-9-"
            )


def _all_groups(cluster: Object) -> list[Object]:
    return [cluster.get("headGroupSpec") or {}, *cluster.get("workerGroupSpecs", [])]


def _groups(where: str, cluster: Object) -> Iterator[Finding]:
    for group in _all_groups(cluster):
        spec = (group.get("template") or {}).get("spec") or {}
        if not spec.get("containers"):
            yield Finding("operator.containers", where, str(group.get("groupName", "head")))
        starts = group.get("rayStartParams") or {}
        if group.get("resources") and set(starts) & {"num-cpus", "num-gpus", "memory", "resources"}:
            yield Finding("operator.resources-twice", where, str(group.get("groupName", "head")))
        if "labels" in starts:
            yield Finding(
                "operator.ray-labels", where, "labels stand in the group, not in rayStartParams"
            )
        for key, value in (group.get("labels") or {}).items():
            if not (_QUALIFIED.fullmatch(key) and _VALUE.fullmatch(value)):
                yield Finding("operator.ray-labels", where, f"{key}={value}")
    groups = cluster.get("workerGroupSpecs", [])
    for group in groups:
        yield from _sizes(where, cluster, group)
    if len({group.get("groupName") for group in groups}) < len(groups):
        yield Finding("operator.group-name", where, "two groups of one name")


def _sizes(where: str, cluster: Object, group: Object) -> Iterator[Finding]:
    least, most = group.get("minReplicas"), group.get("maxReplicas")
    scaled = cluster.get("enableInTreeAutoscaling")
    if not scaled and (least is None or most is None):
        yield Finding(
            "operator.replicas", where, "minReplicas and maxReplicas, without autoscaling"
        )
    if least is not None and most is not None and not 0 <= least <= most:
        yield Finding("operator.replicas", where, f"{least} to {most}")
    wanted = group.get("replicas")
    if wanted is not None and (wanted < (least or 0) or (most is not None and wanted > most)):
        yield Finding("operator.replicas", where, f"{wanted} of {least} to {most}")
    if scaled and group.get("suspend"):
        yield Finding("operator.suspended-worker", where, "suspend with autoscaling")


def _restarts(where: str, cluster: Object) -> Iterator[Finding]:
    for group in _all_groups(cluster) if cluster.get("enableInTreeAutoscaling") else ():
        policy = ((group.get("template") or {}).get("spec") or {}).get("restartPolicy", "Never")
        if policy != "Never":
            yield Finding("operator.restart-policy", where, policy)


def _tokens(where: str, cluster: Object) -> Iterator[Finding]:
    options = cluster.get("authOptions") or {}
    found = _VERSION.fullmatch(str(cluster.get("rayVersion", "")))
    since = _REVIEWS_SINCE if options.get("enableK8sTokenAuth") else _TOKENS_SINCE
    if options.get("mode") == "token" and (found is None or (int(found[1]), int(found[2])) < since):
        yield Finding("operator.tokens", where, f"rayVersion {cluster.get('rayVersion')}")
    if options.get("enableK8sTokenAuth") and (
        options.get("secretName") or options.get("mode") != "token"
    ):
        yield Finding(
            "operator.tokens", where, "enableK8sTokenAuth excludes secretName, needs token"
        )


def _gates(where: str, cluster: Object) -> Iterator[Finding]:
    for key in sorted(_GATED & set(cluster)):
        yield Finding("operator.gate", where, f"{key} needs a feature gate that is off")
    if (cluster.get("gcsFaultToleranceOptions") or {}).get("backend") == "rocksdb":
        yield Finding("operator.gate", where, "rocksdb needs a feature gate that is off")
