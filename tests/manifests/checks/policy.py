"""What every pod of ours obeys: little power, bounded, pinned, and no secret in sight."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.manifests.checks.objects import Finding, Object, Objects, Pod, name, of_kind, pods

_SECRET_NAME = re.compile(r"PASSWORD|TOKEN|SECRET|_KEYS?$|DATABASE_URL|STORE_URI", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"://[^/\s:@$]+:[^/\s:@$]+@|dm_[\w-]{20,}|BEGIN [A-Z ]*PRIVATE KEY|ghp_\w{20,}|AKIA[0-9A-Z]{16}"
)
_SHORT_LIVED = {"Job", "CronJob"}


def check(objects: Objects) -> Iterator[Finding]:
    """Yield every breach of the policy."""
    for pod in pods(objects):
        yield from _pod(pod)
        for container in pod.containers:
            yield from _container(pod, container)
            yield from _image(pod.where, container)
            yield from _environment(pod.where, container)
    for thing in objects:
        yield from _plain_secrets(thing)
    yield from _rights(objects)


def _pod(pod: Pod) -> Iterator[Finding]:
    context = pod.spec.get("securityContext") or {}
    if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield Finding("policy.seccomp", pod.where, str(context.get("seccompProfile")))
    if context.get("runAsNonRoot") is not True or context.get("runAsUser", 0) == 0:
        yield Finding("policy.non-root", pod.where, f"user {context.get('runAsUser')}")
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.spec.get(key):
            yield Finding("policy.host", pod.where, key)
    for volume in pod.spec.get("volumes", []):
        if "hostPath" in volume:
            yield Finding("policy.host", pod.where, volume["name"])
        if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
            yield Finding("policy.bounded-scratch", pod.where, volume["name"])
    if (
        "serviceAccountName" not in pod.spec
        and pod.spec.get("automountServiceAccountToken") is not False
    ):
        yield Finding("policy.token", pod.where, "mounts the default account's token")


def _container(pod: Pod, container: Object) -> Iterator[Finding]:
    where, context = f"{pod.where} {container['name']}", container.get("securityContext") or {}
    if context.get("allowPrivilegeEscalation") is not False or context.get("privileged"):
        yield Finding("policy.escalation", where, "allowPrivilegeEscalation: false")
    if (context.get("capabilities") or {}).get("drop") != ["ALL"]:
        yield Finding("policy.capabilities", where, "drop: [ALL]")
    if (context.get("capabilities") or {}).get("add"):
        yield Finding("policy.capabilities", where, str(context["capabilities"]["add"]))
    if context.get("readOnlyRootFilesystem") is not True:
        yield Finding("policy.read-only", where, "readOnlyRootFilesystem: true")
    yield from _bounds(where, container.get("resources") or {})
    lasts = container in pod.spec["containers"] and pod.where.partition("/")[0] not in _SHORT_LIVED
    if not pod.ray and lasts:
        for probe in {"readinessProbe", "livenessProbe"} - set(container):
            yield Finding("policy.probes", where, probe)


def _bounds(where: str, resources: Object) -> Iterator[Finding]:
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    for kind, bound in (("requests", requests), ("limits", limits)):
        for amount in {"cpu", "memory"} - set(bound):
            yield Finding("policy.limits", where, f"{kind}.{amount}")
    if requests.get("memory") != limits.get("memory"):
        yield Finding("policy.limits", where, "memory that is not reserved is taken away")


def _image(where: str, container: Object) -> Iterator[Finding]:
    image = str(container.get("image", ""))
    tag = image.rsplit("/", 1)[-1].partition("@")[0].partition(":")[2]
    if ("@sha256:" not in image and not tag) or tag in {"latest", "main", "master", "nightly"}:
        yield Finding("policy.image", where, image)


def _environment(where: str, container: Object) -> Iterator[Finding]:
    for each in container.get("env", []):
        value = each.get("value")
        if value and (looks_secret(value) or named_secret(each["name"], value)):
            yield Finding("policy.secret", where, each["name"])


def looks_secret(text: str) -> bool:
    """Whether a text holds a key, a token, or a password in an address."""
    return bool(_SECRET_VALUE.search(text))


def named_secret(variable: str, value: str) -> bool:
    """Whether a variable is a secret by its name, and its value is no file or plain address."""
    return bool(_SECRET_NAME.search(variable)) and not value.startswith(("/", "sqlite:", "http"))


def _plain_secrets(thing: Object) -> Iterator[Finding]:
    if thing.get("kind") == "Secret":
        yield Finding("policy.secret", name(thing), "Secrets are made outside of Git")
    if thing.get("kind") == "ConfigMap":
        for key, value in (thing.get("data") or {}).items():
            if looks_secret(value) or ("\n" not in value and named_secret(key, value)):
                yield Finding("policy.secret", name(thing), key)


def _rights(objects: Objects) -> Iterator[Finding]:
    for thing in of_kind(objects, "Role", "ClusterRole"):
        for rule in thing.get("rules", []):
            wide = {"*"} & {
                *rule.get("verbs", []),
                *rule.get("resources", []),
                *rule.get("apiGroups", []),
            }
            if wide or "secrets" in rule.get("resources", []):
                yield Finding("policy.rights", name(thing), str(rule))
    for thing in of_kind(objects, "ClusterRoleBinding"):
        yield Finding("policy.rights", name(thing), "rights in the whole cluster")
