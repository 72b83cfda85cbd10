"""What everything stands on: a namespace with pod security, a quota, and stores of one writer."""

from __future__ import annotations

from collections.abc import Iterator

from tests.manifests.checks import told
from tests.manifests.checks.objects import (
    NAMESPACE,
    Finding,
    Object,
    Objects,
    name,
    named,
    of_kind,
    ray_clusters,
)

_ENFORCE = "pod-security.kubernetes.io/enforce"
_KINDS = ("secret", "configMap")


def check(objects: Objects) -> Iterator[Finding]:
    """Yield what lets pods do too much, or one volume be written by two."""
    space = named(objects, "Namespace").get(NAMESPACE, {"metadata": {}})
    if (space["metadata"].get("labels") or {}).get(_ENFORCE) != "restricted":
        yield Finding("ground.pod-security", f"Namespace/{NAMESPACE}", f"{_ENFORCE}: restricted")
    scaled = any(cluster.get("enableInTreeAutoscaling") for _, _, cluster in ray_clusters(objects))
    if scaled and not named(objects, "ResourceQuota"):
        yield Finding("ground.quota", "ResourceQuota", "an autoscaler has no other bound")
    yield from _one_writer(objects)
    yield from _kept(objects)
    yield from _optional(objects)


def _one_writer(objects: Objects) -> Iterator[Finding]:
    """PostgreSQL, Redis and MLflow share a volume with nobody, not even with their next pod."""
    claims = named(objects, "PersistentVolumeClaim")
    for thing in of_kind(objects, "StatefulSet", "Deployment"):
        spec = thing["spec"]
        volumes = spec["template"]["spec"].get("volumes", [])
        names = [(each.get("persistentVolumeClaim") or {}).get("claimName") for each in volumes]
        alone = [each for each in names if each in claims and not _shared(claims[each])]
        if not alone and not spec.get("volumeClaimTemplates"):
            continue
        rolls = thing["kind"] == "Deployment" and (spec.get("strategy") or {}).get("type")
        if spec.get("replicas", 1) != 1 or rolls not in {False, "Recreate"}:
            yield Finding("ground.one-writer", name(thing), f"{spec.get('replicas', 1)}, {rolls}")


def _shared(claim: Object) -> bool:
    return bool(claim["spec"]["accessModes"] == ["ReadWriteMany"])


def _kept(objects: Objects) -> Iterator[Finding]:
    for thing in of_kind(objects, "StatefulSet"):
        retention = thing["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
        if "Delete" in retention.values():
            yield Finding("ground.kept-claims", name(thing), str(retention))


def _optional(objects: Objects) -> Iterator[Finding]:
    """Who may do without a key does without a misspelled one, and says nothing."""
    for each in told.containers(objects):
        holders = [
            *(env.get("valueFrom") or {} for env in each.container.get("env", [])),
            *each.container.get("envFrom", []),
            *(
                {kind: source.get(kind) for kind in _KINDS}
                for volume in each.volumes.values()
                for source in (volume, *(volume.get("projected") or {}).get("sources", []))
            ),
        ]
        if any((source or {}).get("optional") for held in holders for source in held.values()):
            yield Finding("ground.optional", each.where, "what may be absent is not missed")
