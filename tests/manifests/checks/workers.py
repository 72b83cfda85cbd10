"""What keeps a worker in the service, and a token where it is needed; what is sent twice."""

from __future__ import annotations

from collections.abc import Iterator

from tests.manifests.checks.objects import (
    Finding,
    Object,
    Objects,
    name,
    named,
    of_kind,
    ray_clusters,
    ray_jobs,
)

_MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_PLACES = {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
_STREAMS_S = 120
_QUEUE = "kueue.x-k8s.io/queue-name"
_ONCE = "PathPrefix(`/models`)"


def check(objects: Objects) -> Iterator[Finding]:
    """Yield what would take workers away, leave pods behind, or do something twice."""
    for where, thing, cluster in ray_clusters(objects):
        yield from _token(where, cluster)
        for group in cluster.get("workerGroupSpecs", []) if thing["kind"] == "RayService" else ():
            yield from _worker(f"{where} {group['groupName']}", group)
    for thing in of_kind(objects, "RayService"):
        delay = thing["spec"].get("rayClusterDeletionDelaySeconds", 60)
        if delay < _STREAMS_S:
            yield Finding("workers.deletion-delay", name(thing), f"{delay} s: streams would break")
    for where, job in ray_jobs(objects):
        yield from _failed(where, job)
    for thing in of_kind(objects, "RayCronJob"):
        yield from _queued(thing)
    for route in of_kind(objects, "IngressRoute"):
        yield from _sent(route, named(objects, "Middleware"))


def _worker(where: str, group: Object) -> Iterator[Finding]:
    """One slow answer takes no worker away; budgets of place are a cluster's own."""
    spec = group["template"]["spec"]
    probe = spec["containers"][0].get("readinessProbe") or {}
    if probe.get("failureThreshold", 1) < 2:
        yield Finding("workers.readiness", where, str(probe))
    spreads = spec.get("topologySpreadConstraints", [])
    if "kubernetes.io/hostname" not in {spread["topologyKey"] for spread in spreads}:
        yield Finding("workers.spread", where, "a lost machine would take all of them")
    for spread in spreads:
        clusters = spread.get("matchLabelKeys", [])
        if "ray.io/cluster" not in clusters or spread["topologyKey"] not in _PLACES:
            yield Finding("workers.spread", where, f"{spread['topologyKey']}, {clusters}")
    if "memory" not in (group.get("rayStartParams") or {}):
        yield Finding("workers.memory", where, "Ray would take the whole limit for free")


def _queued(cron: Object) -> Iterator[Finding]:
    """A job in Kueue's queue shuts its cluster down itself; only such a job has the label."""
    queues = {key for key in cron["metadata"].get("labels") or {} if "kueue" in key}
    shut = cron["spec"]["jobTemplate"].get("shutdownAfterJobFinishes")
    if queues != ({_QUEUE} if shut else set()):
        yield Finding("workers.queue", name(cron), f"{sorted(queues)}, shut down: {shut}")


def _token(where: str, cluster: Object) -> Iterator[Finding]:
    """The API server's token is mounted where the autoscaler runs, and not where jobs do."""
    spec = cluster["headGroupSpec"]["template"]["spec"]
    if spec.get("automountServiceAccountToken", True):
        yield Finding("workers.token", where, "the head's drivers of jobs would hold it")
    if cluster.get("enableInTreeAutoscaling"):
        mounts = (cluster.get("autoscalerOptions") or {}).get("volumeMounts", [])
        projected = {each["name"] for each in spec.get("volumes", []) if "projected" in each}
        if not any(each["mountPath"] == _MOUNT and each["name"] in projected for each in mounts):
            yield Finding("workers.token", where, "the autoscaler would have none")


def _failed(where: str, job: Object) -> Iterator[Finding]:
    """A deadline ends a job as `Failed` while its jobStatus is RUNNING."""
    rules = (job.get("deletionStrategy") or {}).get("deletionRules")
    failed = [
        rule["policy"]
        for rule in rules or []
        if rule["condition"].get("jobDeploymentStatus") == "Failed"
    ]
    if rules is not None and "DeleteCluster" not in failed:
        yield Finding("workers.leftovers", where, "after a deadline the cluster would stay")


def _sent(route: Object, middlewares: dict[str, Object]) -> Iterator[Finding]:
    """Predictions and records are POST, and repeated; what changes models is sent once."""
    for rule in route["spec"]["routes"]:
        used = [middlewares.get(each["name"], {}) for each in rule.get("middlewares", [])]
        retries = [each["spec"]["retry"] for each in used if "retry" in each.get("spec", {})]
        if _ONCE in rule["match"] and retries:
            yield Finding("workers.sent-twice", name(route), rule["match"])
        if any(not each.get("retryNonIdempotentMethod") for each in retries):
            yield Finding("workers.not-repeated", name(route), "a prediction is a POST")
    if not any(_ONCE in rule["match"] for rule in route["spec"]["routes"]):
        yield Finding("workers.sent-twice", name(route), f"no rule of its own for {_ONCE}")
