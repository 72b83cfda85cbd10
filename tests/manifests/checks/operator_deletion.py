"""What KubeRay 1.7 refuses of how a job's cluster is deleted."""

from __future__ import annotations

from collections.abc import Iterator

from tests.manifests.checks.objects import Finding, Object, Objects, ray_jobs

_ORDER = ("DeleteWorkers", "DeleteCluster", "DeleteSelf")
_STATUSES = {"jobStatus": ("SUCCEEDED", "FAILED"), "jobDeploymentStatus": ("Failed",)}
_LEGACY = ("onSuccess", "onFailure")


def check(objects: Objects) -> Iterator[Finding]:
    """Yield what the operator would refuse of the deletion of every job."""
    for where, job in ray_jobs(objects):
        strategy = job.get("deletionStrategy")
        if strategy is None:
            continue
        rules = strategy.get("deletionRules") or []
        legacy = [key for key in _LEGACY if key in strategy]
        if bool(rules) == bool(legacy):
            yield Finding("operator.job-deletion", where, "rules, or onSuccess and onFailure")
        if rules and job.get("shutdownAfterJobFinishes"):
            yield Finding("operator.job-deletion", where, "rules and shutdownAfterJobFinishes")
        yield from _rules(where, job, rules)
        yield from _legacy(where, job, strategy, legacy)


def _rules(where: str, job: Object, rules: list[Object]) -> Iterator[Finding]:
    seen: dict[str, dict[str, int]] = {}
    for rule in rules:
        policy, condition = rule["policy"], rule["condition"]
        said = {key: condition[key] for key in _STATUSES if condition.get(key)}
        if len(said) != 1 or any(value not in _STATUSES[key] for key, value in said.items()):
            yield Finding("operator.job-deletion", where, f"{policy} on {condition}")
        status = next(iter(said.values()), "")
        times, ttl = seen.setdefault(status, {}), condition.get("ttlSeconds", 0)
        yield from _policy(where, job, policy)
        if ttl < 0:
            yield Finding("operator.job-deletion", where, f"{policy} after {ttl} s")
        if policy in times:
            yield Finding("operator.job-deletion", where, f"{policy} twice on {status}")
        times[policy] = ttl
    for status, times in seen.items():
        ordered = [times[policy] for policy in _ORDER if policy in times]
        if ordered != sorted(ordered):
            yield Finding("operator.job-deletion", where, f"{status}: a larger part goes earlier")


def _policy(where: str, job: Object, policy: str | None) -> Iterator[Finding]:
    scaled = (job.get("rayClusterSpec") or {}).get("enableInTreeAutoscaling")
    if policy == "DeleteWorkers" and scaled:
        yield Finding("operator.job-deletion", where, "DeleteWorkers with autoscaling")
    if policy in {"DeleteWorkers", "DeleteCluster"} and job.get("clusterSelector"):
        yield Finding("operator.job-deletion", where, f"{policy} of a cluster that is others'")


def _legacy(where: str, job: Object, strategy: Object, keys: list[str]) -> Iterator[Finding]:
    policies = [(strategy.get(key) or {}).get("policy") for key in _LEGACY]
    if keys and None in policies:
        yield Finding("operator.job-deletion", where, "onSuccess and onFailure with a policy each")
    if "DeleteNone" in policies and job.get("shutdownAfterJobFinishes"):
        yield Finding("operator.job-deletion", where, "DeleteNone and shutdownAfterJobFinishes")
    for policy in policies:
        yield from _policy(where, job, policy)
