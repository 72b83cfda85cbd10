"""Tekton's Tasks: they may ask the service, with the key they are given, and do nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from tests.manifests.checks.objects import Finding, Object, Objects, name, of_kind
from tests.manifests.checks.versions import project

_URL = "http://devmind-ml-service.devmind-pipeline.svc:8000"
_KEYS = {
    "DEVMIND_API_KEY": ("$(params.api-key-secret)", "key"),
    "DEVMIND_ACCESS_CLIENT_ID": ("$(params.access-secret)", "client-id"),
    "DEVMIND_ACCESS_CLIENT_SECRET": ("$(params.access-secret)", "client-secret"),
}
_CONTEXT = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def check(objects: Objects) -> Iterator[Finding]:
    """Yield what would keep a build from asking, or let a Task do more."""
    for thing in of_kind(objects, "Task", "Pipeline"):
        where, labels = name(thing), thing["metadata"].get("labels") or {}
        if labels.get("app.kubernetes.io/version") != project():
            yield Finding("tekton.version", where, str(labels))
        for param in thing["spec"].get("params", []):
            if param["name"] in {"url", "devmind-url"} and param.get("default") != _URL:
                yield Finding("tekton.url", where, str(param.get("default")))
        if thing["kind"] == "Task" and labels.get("devmind.io/client") != "true":
            yield Finding("tekton.client", where, "the network would let it ask nobody")
        for step in thing["spec"].get("steps", []):
            yield from _step(where, step)
        yield from _more(where, thing["spec"])
        for task in (*thing["spec"].get("tasks", []), *thing["spec"].get("finally", [])):
            yield from _inline(f"{where} {task['name']}", task.get("taskSpec") or {})


def _more(where: str, spec: Object) -> Iterator[Finding]:
    """Rights and secrets are given to steps alone, where they are looked at."""
    for key in sorted({"sidecars", "stepTemplate"} & spec.keys()):
        yield Finding("tekton.more", where, key)
    for volume in spec.get("volumes", []):
        if "emptyDir" not in volume:
            yield Finding("tekton.more", where, str(volume))
    for step in spec.get("steps", []):
        if "envFrom" in step:
            yield Finding("tekton.more", where, f"envFrom of {step['name']}")


def _inline(where: str, spec: Object) -> Iterator[Finding]:
    """What stands in the Pipeline itself runs code under test: it has no secret and no power."""
    yield from _more(where, spec)
    for step in spec.get("steps", []):
        if "secretKeyRef" in str(step.get("env")):
            yield Finding("tekton.key", where, f"a secret for {step['name']}")
        if (step.get("securityContext") or {}).get("privileged"):
            yield Finding("tekton.rights", where, f"{step['name']} is privileged")


def _step(where: str, step: Object) -> Iterator[Finding]:
    if step.get("securityContext") != _CONTEXT:
        yield Finding("tekton.rights", where, str(step.get("securityContext")))
    for variable in step.get("env", []):
        secret = (variable.get("valueFrom") or {}).get("secretKeyRef")
        wanted = _KEYS.get(variable["name"])
        found = (secret["name"], secret["key"]) if secret else None
        if found != wanted:
            yield Finding("tekton.key", where, f"{variable['name']}: {found}")
