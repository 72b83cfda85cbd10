"""What Argo CD is told by annotations: in words that it knows, and in an order that works."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.manifests.checks.objects import Finding, Object, Objects, name, of_kind
from tests.manifests.checks.waves import HOOK, WAVE, moment

_PREFIX = "argocd.argoproj.io/"
_DELETED = f"{_PREFIX}hook-delete-policy"
_BOOL = "(true|false)"
_VALUES = {
    WAVE: r"-?\d+",
    HOOK: "PreSync|Sync|PostSync|SyncFail|PreDelete|PostDelete|Skip",
    _DELETED: "HookSucceeded|HookFailed|BeforeHookCreation",
    f"{_PREFIX}sync-options": f"(Prune|Delete)=(false|confirm)|(Validate|Replace|Force)={_BOOL}|"
    f"(ServerSideApply|PruneLast|SkipDryRunOnMissingResource)={_BOOL}",
    f"{_PREFIX}compare-options": "IgnoreExtraneous|"
    f"(ServerSideDiff|IncludeMutationWebhook)={_BOOL}",
    f"{_PREFIX}ignore-healthcheck": _BOOL,
    f"{_PREFIX}ignore-resource-updates": _BOOL,
    f"{_PREFIX}manifest-generate-paths": ".+",
    f"{_PREFIX}refresh": "normal|hard",
    f"{_PREFIX}skip-reconcile": _BOOL,
}
"""Annotations of Argo CD's, each with what one of its values, between commas, may be."""
_STORES = {"postgres", "redis", "mlflow"}


def annotations(objects: Objects) -> Iterator[Finding]:
    """Yield annotations that Argo CD would pass over; they hold for any set of objects."""
    for thing in objects:
        for key, value in (thing["metadata"].get("annotations") or {}).items():
            if "argo" in key and key not in _VALUES:
                yield Finding("hooks.unknown", name(thing), key)
            values = str(value).split(",") if key in _VALUES else ()
            for each in values:
                if not re.fullmatch(_VALUES[key], each.strip()):
                    yield Finding("hooks.value", name(thing), f"{key}: {each}")


def check(objects: Objects) -> Iterator[Finding]:
    """Yield jobs that a second sync would stumble over, and what comes before what it needs."""
    for job in of_kind(objects, "Job"):
        if "name" in job["metadata"]:
            yield from _job(job)
    yield from _order(objects)


def _job(job: Object) -> Iterator[Finding]:
    """A Job cannot be changed, and one that goes by itself would be made anew."""
    said = job["metadata"].get("annotations") or {}
    if said.get(HOOK) != "PostSync" or said.get(_DELETED) != "BeforeHookCreation":
        yield Finding("hooks.job", name(job), str(said))
    if "ttlSecondsAfterFinished" in job["spec"]:
        yield Finding("hooks.job", name(job), "Argo CD would wait for a Job that went")


def _order(objects: Objects) -> Iterator[Finding]:
    for service in of_kind(objects, "RayService"):
        for store in of_kind(objects, "Deployment", "StatefulSet"):
            if store["metadata"]["name"] in _STORES and moment(store) >= moment(service):
                yield Finding("hooks.order", name(service), f"not after {name(store)}")
        for route in of_kind(objects, "IngressRoute"):
            if moment(route) <= moment(service):
                yield Finding("hooks.order", name(route), f"not after {name(service)}")
