"""What KubeRay 1.7 refuses after the API server accepted it: services, jobs and schedules."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import available_timezones

import yaml

from tests.manifests.checks import times
from tests.manifests.checks.objects import Finding, Object, Objects, name, of_kind, ray_jobs

_UPGRADES = {None, "None", "NewCluster", "NewClusterWithIncrementalUpgrade"}
_NAMED = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
_TIMEOUT = "ray.io/initializing-timeout"
_SELECTED = "ray.io/cluster"


def check(objects: Objects) -> Iterator[Finding]:
    """Yield what the operator would refuse of services, jobs and schedules."""
    for thing in of_kind(objects, "RayService"):
        yield from _service(name(thing), thing["spec"])
        if _TIMEOUT in (thing["metadata"].get("annotations") or {}):
            # Not refused, and worse: a service that is late once would have to be made again.
            yield Finding("operator.timeout", name(thing), "after it nothing but a new one helps")
    for where, job in ray_jobs(objects):
        yield from _job(where, job)
        yield from _limits(where, job)
    for thing in of_kind(objects, "RayCronJob"):
        yield from _schedule(name(thing), thing["spec"])


def _service(where: str, spec: Object) -> Iterator[Finding]:
    cluster, upgrade = spec.get("rayClusterConfig") or {}, spec.get("upgradeStrategy") or {}
    service = ((cluster.get("headGroupSpec") or {}).get("headService") or {}).get("metadata") or {}
    if service.get("name"):
        yield Finding("operator.head-service", where, "a name would clash during an upgrade")
    if upgrade.get("type") not in _UPGRADES:
        yield Finding("operator.upgrade", where, str(upgrade.get("type")))
    if upgrade.get("type") == "NewClusterWithIncrementalUpgrade":
        yield from _incremental(where, cluster, upgrade.get("clusterUpgradeOptions") or {})
    if spec.get("rayClusterDeletionDelaySeconds", 0) < 0:
        yield Finding("operator.deletion-delay", where, "negative")
    yield from _inner(where, cluster)


def _incremental(where: str, cluster: Object, options: Object) -> Iterator[Finding]:
    step, surge = options.get("stepSizePercent", 0), options.get("maxSurgePercent", 100)
    if not cluster.get("enableInTreeAutoscaling"):
        yield Finding("operator.upgrade", where, "incremental needs autoscaling")
    if not options.get("gatewayClassName") or not 0 < step <= surge <= 100:
        yield Finding("operator.upgrade", where, "gatewayClassName, 0 < step <= surge <= 100")
    if options.get("intervalSeconds", 0) <= 0:
        yield Finding("operator.upgrade", where, "intervalSeconds > 0")


def _inner(where: str, cluster: Object) -> Iterator[Finding]:
    if cluster.get("upgradeStrategy"):
        yield Finding(
            "operator.upgrade", where, "the cluster of a service or job has none of its own"
        )
    if (cluster.get("authOptions") or {}).get("enableK8sTokenAuth"):
        yield Finding("operator.tokens", where, "enableK8sTokenAuth is for a RayCluster alone")


def _job(where: str, job: Object) -> Iterator[Finding]:
    cluster, selector = job.get("rayClusterSpec"), job.get("clusterSelector")
    if bool(cluster) == bool(selector):
        yield Finding(
            "operator.job-cluster", where, "exactly one of rayClusterSpec, clusterSelector"
        )
    if selector and not selector.get(_SELECTED):
        yield Finding("operator.job-cluster", where, f"clusterSelector without {_SELECTED}")
    yield from _inner(where, cluster or {})
    yield from _runtime(where, job)
    shuts = job.get("shutdownAfterJobFinishes")
    if job.get("ttlSecondsAfterFinished") and not shuts:
        yield Finding("operator.job-ttl", where, "needs shutdownAfterJobFinishes")
    if job.get("ttlSecondsAfterFinished", 0) < 0:
        yield Finding("operator.job-ttl", where, "negative")
    if job.get("suspend") and (selector or not shuts):
        yield Finding("operator.job-suspend", where, "needs shutdownAfterJobFinishes, its cluster")
    if job.get("submissionMode") == "SidecarMode":
        yield from _sidecar(where, job)


def _runtime(where: str, job: Object) -> Iterator[Finding]:
    try:
        found = yaml.safe_load(job.get("runtimeEnvYAML") or "{}")
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict):
        yield Finding("operator.job-runtime", where, "runtimeEnvYAML is no mapping")


def _sidecar(where: str, job: Object) -> Iterator[Finding]:
    for key in ("submitterPodTemplate", "submitterConfig", "clusterSelector"):
        if job.get(key):
            yield Finding("operator.job-sidecar", where, key)
    head = (job.get("rayClusterSpec") or {}).get("headGroupSpec") or {}
    if head.get("template", {}).get("spec", {}).get("restartPolicy") not in {None, "Never"}:
        yield Finding("operator.job-sidecar", where, "the head's restartPolicy")


def _limits(where: str, job: Object) -> Iterator[Finding]:
    for key in ("activeDeadlineSeconds", "preRunningDeadlineSeconds"):
        if key in job and job[key] <= 0:
            yield Finding("operator.job-deadline", where, f"{key} {job[key]}")
    tries = job.get("backoffLimit", 0)
    shared = job.get("clusterSelector") or job.get("submissionMode") == "InteractiveMode"
    if tries < 0 or (tries and shared):
        yield Finding("operator.job-backoff", where, str(tries))


def _schedule(where: str, spec: Object) -> Iterator[Finding]:
    schedule = str(spec.get("schedule", ""))
    if "TZ=" in schedule:
        yield Finding("operator.schedule", where, "the zone stands in timeZone")
    elif schedule not in _NAMED and not times.is_standard(schedule):
        yield Finding("operator.schedule", where, schedule)
    if spec.get("timeZone", "Etc/UTC") not in available_timezones():
        yield Finding("operator.schedule", where, f"timeZone {spec['timeZone']!r}")
