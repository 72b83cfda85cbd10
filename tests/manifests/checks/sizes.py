"""Amounts: readable, no limit below what is asked or claimed within it, and Redis' durability."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.manifests.checks import told
from tests.manifests.checks.capacity import quantity
from tests.manifests.checks.objects import Finding, Object, Objects, name, ray_clusters

_QUANTITY = re.compile(r"\d+(\.\d+)?(m|Ki|Mi|Gi|Ti)?")
_BOTH = ("requests", "limits")
_UNITS = {"kb": 2**10, "mb": 2**20, "gb": 2**30}
_STORE = re.compile(r"(?:^maxmemory |shared_buffers=)(\d+)(kb|mb|gb)", re.IGNORECASE | re.MULTILINE)


def check(objects: Objects) -> Iterator[Finding]:
    """Yield amounts that nobody can read, that contradict each other, or that do not fit."""
    for thing in objects:
        unread = [(path, text) for path, text in _amounts(thing, "") if not readable(text)]
        for path, text in unread:
            yield Finding("sizes.quantity", name(thing), f"{path}: {text}")
        if unread:
            return
    for each in told.containers(objects):
        yield from _bounds(each.where, each.container.get("resources") or {})
        yield from _stores(each, objects)
    for where, _, cluster in ray_clusters(objects):
        yield from _cluster(where, cluster)


def readable(text: str) -> bool:
    """Whether a quantity has a number and one of the units that are used here."""
    return bool(_QUANTITY.fullmatch(text))


def _amounts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        here = f"{path}.{key}"
        if key in {"requests", "limits"} and isinstance(each, dict):
            yield from ((f"{here}.{amount}", str(text)) for amount, text in each.items())
        elif key == "sizeLimit":
            yield here, str(each)
        elif isinstance(each, dict | list):
            yield from _amounts(each, here)


def _bounds(where: str, resources: Object) -> Iterator[Finding]:
    limits = resources.get("limits") or {}
    for amount, asked in (resources.get("requests") or {}).items():
        if amount in limits and quantity(str(limits[amount])) < quantity(str(asked)):
            yield Finding("sizes.limit", where, f"{amount}: {limits[amount]} < {asked}")


def _stores(each: told.Told, objects: Objects) -> Iterator[Finding]:
    held = [told.files(volume, objects) or {} for volume in each.volumes.values()]
    texts = [text for files in held for key, text in files.items() if key.endswith(".conf")]
    limit = quantity(each.limit("memory") or "0")
    for number, unit in _STORE.findall("\n".join([*texts, *each.words])):
        if int(number) * _UNITS[unit.lower()] >= limit:
            yield Finding("sizes.store", each.where, f"{number}{unit} of {limit}")
    for text in texts if each.image == "redis" else ():
        if not re.search(r"^appendonly yes$", text, re.MULTILINE):
            yield Finding("sizes.appendonly", each.where, "a restart would lose the cluster")
        if not re.search(r"^maxmemory \d", text, re.MULTILINE):
            yield Finding("sizes.store", each.where, "maxmemory")


def _cluster(where: str, cluster: Object) -> Iterator[Finding]:
    for group in (cluster["headGroupSpec"], *cluster.get("workerGroupSpecs", [])):
        own, params = str(group.get("groupName", "head")), group.get("rayStartParams") or {}
        limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
        claimed = sum(int(params.get(key, 0)) for key in ("memory", "object-store-memory"))
        if claimed >= quantity(str(limits["memory"])):
            yield Finding("sizes.claimed", f"{where} {own}", f"{claimed} of {limits['memory']}")
        if float(params.get("num-cpus", 0)) > quantity(str(limits["cpu"])):
            yield Finding("sizes.cpus", f"{where} {own}", f"{params} of {limits['cpu']}")
    if cluster.get("enableInTreeAutoscaling"):
        resources = (cluster.get("autoscalerOptions") or {}).get("resources") or {}
        bounded = all({"cpu", "memory"} <= (resources.get(key) or {}).keys() for key in _BOTH)
        if not bounded:
            yield Finding("sizes.autoscaler", where, "KubeRay's container, and unbounded")
        yield from _bounds(f"{where} autoscaler", resources)
