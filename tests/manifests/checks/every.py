"""All checks, as tests and mutations run them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.manifests.checks import (
    agreement,
    capacity,
    fetched,
    ground,
    hooks,
    keys,
    literals,
    network,
    operation,
    operator_clusters,
    operator_deletion,
    operator_jobs,
    operator_redis,
    places,
    policy,
    registry,
    rights,
    routes,
    schemas,
    scripts,
    serving,
    serving_names,
    sizes,
    tekton,
    times,
    variables,
    versions,
    waves,
    wiring,
    workers,
)
from tests.manifests.checks.objects import Finding, Objects

_TOLD = {
    "wiring": wiring.check,
    "variables": variables.check,
    "scripts": scripts.check,
    "registry": registry.check,
    "literals": literals.check,
    "places": places.check,
    "sizes": sizes.check,
}
"""Checks of what containers are told, by the prefix of their rules."""
_OPERATOR = (
    operator_clusters.check,
    operator_redis.check,
    operator_jobs.check,
    operator_deletion.check,
)
_OWN = _TOLD | {
    "policy": policy.check,
    "versions": versions.check,
    "keys": keys.check,
    "network": network.check,
    "routes": routes.check,
    "rights": rights.check,
    "times": times.check,
    "fetched": fetched.check,
    "ground": ground.check,
    "tekton": tekton.check,
}
"""Checks of all of whose rules begin with one prefix that no other check has."""


def of_any(objects: Objects, folder: Path | None) -> Iterator[Finding]:
    """Yield the findings of what holds for any set of objects.

    Args:
        objects: What would be applied.
        folder: Of the custom resources' schemas, `None` where they are absent.
    """
    yield from schemas.check(objects, folder)
    for check in _OPERATOR:
        yield from check(objects)
    yield from policy.check(objects)
    for check in _TOLD.values():
        yield from check(objects)
    yield from versions.check(objects)
    yield from tekton.check(objects)
    yield from hooks.annotations(objects)


def of_whole(objects: Objects) -> Iterator[Finding]:
    """Yield the findings of what holds for everything that is deployed together."""
    yield from serving.check(objects)
    yield from serving_names.check(objects)
    yield from keys.check(objects)
    yield from agreement.check(objects)
    yield from operation.check(objects)
    yield from workers.check(objects)
    yield from waves.check(objects)
    yield from capacity.check(objects)
    yield from network.check(objects)
    yield from routes.check(objects)
    yield from rights.check(objects)
    yield from times.check(objects)
    yield from hooks.check(objects)
    yield from fetched.check(objects)
    yield from ground.check(objects)


def of_rule(rule: str, objects: Objects, folder: Path | None) -> Iterator[Finding]:
    """Yield the findings of the checks that may find *rule*; arguments as in `of_any`."""
    match rule.partition(".")[0]:
        case "schema":
            yield from schemas.check(objects, folder)
        case "operator":
            for check in _OPERATOR:
                yield from check(objects)
        case own if own in _OWN:
            yield from _OWN[own](objects)
        case "hooks":
            yield from hooks.annotations(objects)
            yield from hooks.check(objects)
        case _:
            yield from of_whole(objects)
