"""What makes the difference on a bad day: drains, kept volumes, guarded jobs, no drift."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from tests.manifests.checks.objects import (
    Finding,
    Object,
    Objects,
    name,
    named,
    of_kind,
    pods,
    ray_clusters,
    ray_jobs,
    serve_config,
)

RAY = "2.60.0"
_DRAIN = "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"
_STRATEGIES = {"conversionStrategy", "decodingStrategy", "metadataPolicy"}


def check(objects: Objects) -> Iterator[Finding]:
    """Yield what would hurt on the day of an upgrade, a drain or a failure."""
    yield from _versions(objects)
    yield from _grace(objects)
    yield from _defaulted(objects)
    yield from _volumes(objects)
    yield from _budgets(objects)
    yield from _head(objects)
    yield from _jobs(objects)


def _versions(objects: Objects) -> Iterator[Finding]:
    for where, _, cluster in ray_clusters(objects):
        if cluster.get("rayVersion") != RAY:
            yield Finding("operation.ray-version", where, str(cluster.get("rayVersion")))
        if (cluster.get("authOptions") or {}).get("mode") != "token":
            yield Finding("operation.tokens", where, "the job API runs code for whoever reaches it")


def _grace(objects: Objects) -> Iterator[Finding]:
    """A pod is given the time of Ray's drain and of Serve's own shutdown."""
    drains = [
        float(config["data"][_DRAIN])
        for config in of_kind(objects, "ConfigMap")
        if _DRAIN in (config.get("data") or {})
    ]
    drain = max(drains, default=30.0)
    for pod in pods(objects):
        grace = pod.spec.get("terminationGracePeriodSeconds", 30)
        if pod.ray and grace <= drain + _shutdown(objects):
            yield Finding("operation.grace", pod.where, f"{grace} s, drain {drain:.0f} s")


def _shutdown(objects: Objects) -> float:
    found = [20.0]
    for thing in of_kind(objects, "RayService"):
        for application in serve_config(thing).get("applications", []):
            deployments = application["deployments"]
            found += [float(each.get("graceful_shutdown_timeout_s", 20)) for each in deployments]
    return max(found)


def _defaulted(objects: Objects) -> Iterator[Finding]:
    """What a definition fills in is said, so that nothing in the cluster differs from Git."""
    for where, port in _ray_ports(objects):
        if "protocol" not in port:
            yield Finding("operation.defaulted", where, str(port))
    for thing in of_kind(objects, "ExternalSecret"):
        for each in thing["spec"]["data"]:
            if not each["remoteRef"].keys() >= _STRATEGIES:
                yield Finding("operation.defaulted", name(thing), each["secretKey"])


def _ray_ports(objects: Objects) -> Iterator[tuple[str, Object]]:
    for pod in pods(objects):
        for container in pod.containers if pod.ray else ():
            yield from ((pod.where, port) for port in container.get("ports", []))
    for thing in of_kind(objects, "RayService"):
        service = (thing["spec"].get("serveService") or {}).get("spec") or {}
        yield from ((name(thing), port) for port in service.get("ports", []))


def _volumes(objects: Objects) -> Iterator[Finding]:
    """No sync deletes what cannot be made again; pods on several nodes share one volume."""
    for claim in of_kind(objects, "PersistentVolumeClaim"):
        options = (
            claim["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-options", "")
        )
        if "Prune=false" not in options or "Delete=false" not in options:
            yield Finding("operation.kept-volume", name(claim), options)
    claims = named(objects, "PersistentVolumeClaim")
    for where, _, cluster in ray_clusters(objects):
        groups = cluster.get("workerGroupSpecs", [])
        home = claims.get("devmind-home")
        if groups and home and home["spec"]["accessModes"] != ["ReadWriteMany"]:
            yield Finding("operation.shared-home", where, str(home["spec"]["accessModes"]))


def _budgets(objects: Objects) -> Iterator[Finding]:
    """Two workers have a budget that lets a drain go on."""
    budgets = list(of_kind(objects, "PodDisruptionBudget"))
    workers = [
        group
        for _, thing, cluster in ray_clusters(objects)
        if thing["kind"] == "RayService"
        for group in cluster.get("workerGroupSpecs", [])
    ]
    if workers and not budgets:
        yield Finding("operation.budget", "PodDisruptionBudget", "none for the workers")
    least = min((group.get("minReplicas", 0) for group in workers), default=0)
    for budget in budgets:
        available = budget["spec"].get("minAvailable")
        if not budget["spec"].get("selector"):
            yield Finding("operation.budget", name(budget), "it is of every pod, or of none")
        if not isinstance(available, int) or not 0 < available < max(least, 1):
            yield Finding("operation.budget", name(budget), f"{available} of {least}")


def _head(objects: Objects) -> Iterator[Finding]:
    """With workers, the head serves nothing, so that its end ends no request."""
    for thing in of_kind(objects, "RayService"):
        cluster = thing["spec"]["rayClusterConfig"]
        cpus = (cluster["headGroupSpec"].get("rayStartParams") or {}).get("num-cpus")
        if not cluster.get("workerGroupSpecs"):
            continue
        if cpus != "0" or thing["spec"].get("excludeHeadPodFromServeSvc") is not True:
            yield Finding("operation.head", name(thing), f"num-cpus {cpus}")
        if "gcsFaultToleranceOptions" not in cluster:
            yield Finding("operation.head", name(thing), "a lost head would end the cluster")
        for group in cluster["workerGroupSpecs"]:
            if cluster.get("enableInTreeAutoscaling") and "replicas" in group:
                yield Finding("operation.replicas", name(thing), "an autoscaler decides them")


def _jobs(objects: Objects) -> Iterator[Finding]:
    for where, job in ray_jobs(objects):
        yield from command(where, str(job.get("entrypoint", "")), nightly="RayCronJob" in where)
        if job.get("submissionMode") != "HTTPMode":
            yield Finding("operation.submission", where, "a lost log stream would end the job")
        for key in ("activeDeadlineSeconds", "preRunningDeadlineSeconds"):
            if key not in job:
                yield Finding("operation.deadline", where, key)
        if not (job.get("deletionStrategy") or job.get("shutdownAfterJobFinishes")):
            yield Finding("operation.leftovers", where, "the cluster would stay")
    for thing in of_kind(objects, "CronJob"):
        yield from _cron(name(thing), thing["spec"])


def command(where: str, entrypoint: str, *, nightly: bool) -> Iterator[Finding]:
    """Yield what is wrong with the command of a training job."""
    words = shlex.split(entrypoint)
    if words[:4] != ["python", "-m", "training.job", "all"]:
        yield Finding("operation.command", where, entrypoint)
    if nightly != ("--scheduled" in words):
        yield Finding(
            "operation.command", where, "--scheduled is for the nightly job, and must be there"
        )
    if "--promote-if-better" not in words or "--force" in words:
        yield Finding("operation.command", where, "the gate decides")


def _cron(where: str, spec: Object) -> Iterator[Finding]:
    if spec.get("concurrencyPolicy") != "Forbid" or "startingDeadlineSeconds" not in spec:
        yield Finding("operation.cron", where, "concurrencyPolicy Forbid, startingDeadlineSeconds")
    if "timeZone" not in spec or "activeDeadlineSeconds" not in spec["jobTemplate"]["spec"]:
        yield Finding("operation.cron", where, "timeZone, activeDeadlineSeconds")
