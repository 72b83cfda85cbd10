"""Rights in the API server and on the node: those that are needed, and no more."""

from __future__ import annotations

from collections.abc import Iterator

from tests.manifests.checks.objects import (
    NAMESPACE,
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

_HEAD, _STARTER = "devmind-head", "devmind-retraining"
_NEEDED = {
    _HEAD: {
        ("", "pods", ""): {"get", "list", "watch", "patch"},
        ("", "pods/resize", ""): {"patch"},
        ("ray.io", "rayclusters", ""): {"get", "patch"},
    },
    _STARTER: {
        ("ray.io", "raycronjobs", "devmind-retraining"): {"get"},
        ("ray.io", "rayjobs", ""): {"create", "list"},
    },
}
"""By Role: API group, resource, and the one object by name if it is about one."""
_ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role"}


def check(objects: Objects) -> Iterator[Finding]:
    """Yield rights that lack, rights too many, and those that reach nobody or somebody else."""
    for role in of_kind(objects, "Role"):
        yield from _role(role)
    yield from _bindings(objects)
    yield from _accounts(objects)
    for pod in pods(objects):
        yield from _pod(pod)
    for where, _, cluster in ray_clusters(objects):
        context = (cluster.get("autoscalerOptions") or {}).get("securityContext")
        yield from _context(f"{where} autoscaler", context or {})


def _role(role: Object) -> Iterator[Finding]:
    held: dict[tuple[str, str, str], set[str]] = {}
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for own in rule.get("resourceNames", [""]):
                    held.setdefault((group, resource, own), set()).update(rule["verbs"])
    needed = _NEEDED.get(role["metadata"]["name"], {})
    for what in needed.keys() | held.keys():
        lacking = needed.get(what, set()) - held.get(what, set())
        more = held.get(what, set()) - needed.get(what, set())
        if lacking:
            yield Finding("rights.missing", name(role), f"{what}: {sorted(lacking)}")
        if more:
            yield Finding("rights.more", name(role), f"{what}: {sorted(more)}")


def _bindings(objects: Objects) -> Iterator[Finding]:
    """A Role is bound to the account of its name, once."""
    roles, accounts = named(objects, "Role"), named(objects, "ServiceAccount")
    bound = {each["roleRef"]["name"]: each for each in of_kind(objects, "RoleBinding")}
    for own in roles.keys() - bound.keys():
        yield Finding("rights.binding", f"Role/{own}", "nobody has it")
    for own, binding in bound.items():
        subjects = [
            (each["kind"], each["name"], each.get("namespace", NAMESPACE))
            for each in binding.get("subjects", [])
        ]
        known = own in roles and own in accounts
        if binding["roleRef"] != {**_ROLE, "name": own} or not known:
            yield Finding("rights.binding", name(binding), str(binding["roleRef"]))
        if subjects != [("ServiceAccount", own, NAMESPACE)]:
            yield Finding("rights.binding", name(binding), str(subjects))


def _accounts(objects: Objects) -> Iterator[Finding]:
    """An autoscaler has the rights that it needs, and nobody else has them."""
    scaled = {
        f"{where} head"
        for where, _, cluster in ray_clusters(objects)
        if cluster.get("enableInTreeAutoscaling")
    }
    accounts = named(objects, "ServiceAccount")
    for pod in pods(objects):
        own = pod.spec.get("serviceAccountName", "")
        if (own == _HEAD) != (pod.where in scaled):
            yield Finding("rights.account", pod.where, own)
        starts = pod.labels.get("devmind.io/role") == "retraining-starter"
        if (own == _STARTER) != starts:
            yield Finding("rights.account", pod.where, own)
        mounts = accounts.get(own, {}).get("automountServiceAccountToken", True)
        if starts and not pod.spec.get("automountServiceAccountToken", mounts):
            yield Finding("rights.token", pod.where, "asks the API server, and has no token")


def _pod(pod: Pod) -> Iterator[Finding]:
    context = pod.spec.get("securityContext") or {}
    yield from _context(pod.where, {"runAsGroup": 0, **context})
    for container in pod.containers:
        where = f"{pod.where} {container['name']}"
        yield from _context(where, container.get("securityContext") or {})
        if pod.ray and container.get("lifecycle"):
            yield Finding("rights.life", where, "a signal is what Ray drains on")


def _context(where: str, context: Object) -> Iterator[Finding]:
    """Root's group, by default too, owns much in an image."""
    zeros = [key for key in ("runAsUser", "runAsGroup", "fsGroup") if context.get(key, 1) == 0]
    if zeros or 0 in context.get("supplementalGroups", []):
        yield Finding("rights.root", where, ", ".join(zeros))
    profile = (context.get("seccompProfile") or {}).get("type", "RuntimeDefault")
    if profile != "RuntimeDefault" or not context.get("runAsNonRoot", True):
        yield Finding("rights.weakened", where, profile)
