"""What all pods ask for together, against the namespace's quota."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

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

AMOUNTS = ("cpu", "memory")
_UNITS = {
    "m": Decimal("0.001"),
    **{unit: Decimal(1024) ** n for n, unit in enumerate(("Ki", "Mi", "Gi", "Ti"), 1)},
}
_AT_ONCE = {"RayService": 2, "RayCronJob": 2}
"""A cluster and the one that replaces it; the nightly job and one by hand."""


def check(objects: Objects) -> Iterator[Finding]:
    """Yield what a quota has not enough of for everything at its busiest."""
    claims = len(named(objects, "PersistentVolumeClaim")) + sum(
        thing["spec"].get("replicas", 1) * len(thing["spec"].get("volumeClaimTemplates", []))
        for thing in of_kind(objects, "StatefulSet")
    )
    for quota in of_kind(objects, "ResourceQuota"):
        hard = quota["spec"]["hard"]
        for amount in AMOUNTS:
            wanted = sum(_wanted(objects, amount), Decimal(0))
            if wanted > quantity(hard[f"requests.{amount}"]):
                yield Finding("operation.quota", name(quota), f"{amount} {wanted}")
        if claims > int(hard["persistentvolumeclaims"]):
            yield Finding("operation.quota", name(quota), f"{claims} claims")


def quantity(text: str) -> Decimal:
    """Return what Kubernetes understands by a quantity.

    Example:
        >>> quantity("100m"), quantity("2Ki"), quantity("3")
        (Decimal('0.100'), Decimal('2048'), Decimal('3'))
    """
    for unit, size in _UNITS.items():
        if text.endswith(unit):
            return Decimal(text.removesuffix(unit)) * size
    return Decimal(text)


def _wanted(objects: Objects, amount: str) -> Iterator[Decimal]:
    owners = {name(thing): thing for thing in objects}
    for pod in pods(objects):
        owner, _, group = pod.where.partition(" ")
        yield _requests(pod, amount) * _copies(owners[owner], group)
    for _, thing, cluster in ray_clusters(objects):
        if cluster.get("enableInTreeAutoscaling"):
            asked = cluster["autoscalerOptions"]["resources"]["requests"][amount]
            yield quantity(asked) * _AT_ONCE.get(thing["kind"], 1)


def _requests(pod: Pod, amount: str) -> Decimal:
    """Return what the scheduler reserves: all containers, or the largest of the start."""
    asked = [_asked(each, amount) for each in pod.spec["containers"]]
    first = [_asked(each, amount) for each in pod.spec.get("initContainers", [])]
    return max(sum(asked, Decimal(0)), *first, Decimal(0))


def _asked(container: Object, amount: str) -> Decimal:
    return quantity(container.get("resources", {}).get("requests", {}).get(amount, "0"))


def _copies(owner: Object, group: str) -> int:
    """Return how many of a pod there are at most."""
    spec, kind = owner["spec"], owner["kind"]
    if kind in {"Deployment", "StatefulSet"}:
        rolls = kind == "Deployment" and spec.get("strategy", {}).get("type") != "Recreate"
        return int(spec.get("replicas", 1)) + int(rolls)
    for _, _, cluster in ray_clusters([owner]):
        sizes = {each["groupName"]: each["maxReplicas"] for each in cluster["workerGroupSpecs"]}
        return int(sizes.get(group, 1)) * _AT_ONCE.get(kind, 1)
    return 1
