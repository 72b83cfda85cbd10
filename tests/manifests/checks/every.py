"""All checks, as tests and mutations run them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.manifests.checks import (
    agreement,
    capacity,
    network,
    operation,
    operator_clusters,
    operator_jobs,
    policy,
    schemas,
    serving,
    waves,
    workers,
)
from tests.manifests.checks.objects import Finding, Objects


def of_any(objects: Objects, folder: Path) -> Iterator[Finding]:
    """Yield the findings of what holds for any set of objects.

    Args:
        objects: What would be applied.
        folder: Of the custom resources' schemas.
    """
    yield from schemas.check(objects, folder)
    yield from operator_clusters.check(objects)
    yield from operator_jobs.check(objects)
    yield from policy.check(objects)


def of_whole(objects: Objects) -> Iterator[Finding]:
    """Yield the findings of what holds for everything that is deployed together."""
    yield from serving.check(objects)
    yield from agreement.check(objects)
    yield from operation.check(objects)
    yield from workers.check(objects)
    yield from waves.check(objects)
    yield from capacity.check(objects)
    yield from network.check(objects)


def of_rule(rule: str, objects: Objects, folder: Path) -> Iterator[Finding]:
    """Yield the findings of the checks that may find *rule*; arguments as in `of_any`."""
    match rule.partition(".")[0]:
        case "schema":
            yield from schemas.check(objects, folder)
        case "operator":
            yield from operator_clusters.check(objects)
            yield from operator_jobs.check(objects)
        case "policy":
            yield from policy.check(objects)
        case _:
            yield from of_whole(objects)
