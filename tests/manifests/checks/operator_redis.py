"""What KubeRay 1.7 or `ray start` refuses: Redis said twice, options that nobody reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from tests.manifests.checks.objects import Finding, Object, Objects, named, ray_clusters

_REDIS_ENV = {"RAY_REDIS_ADDRESS", "REDIS_PASSWORD", "REDIS_USERNAME"}
_SCALER_ENV = "RAY_enable_autoscaler_v2"
_ANNOTATIONS = {"ray.io/ft-enabled", "ray.io/external-storage-namespace"}
"""Those of KubeRay before 1.3, which its options for fault tolerance have replaced."""


def check(objects: Objects) -> Iterator[Finding]:
    """Yield what the operator would refuse, or Ray would read behind its back."""
    configs = named(objects, "ConfigMap")
    for where, thing, cluster in ray_clusters(objects):
        head = cluster.get("headGroupSpec") or {}
        said = _variables(head, configs)
        yield from _redis(where, thing, cluster, said)
        yield from _autoscaler(where, cluster, said)
        for group in [head, *cluster.get("workerGroupSpecs", [])]:
            for key in sorted(set(group.get("rayStartParams") or {}) - _options()):
                yield Finding("operator.start-params", where, f"ray start has no --{key}")


@cache
def _options() -> set[str]:
    """Return what `ray start` of the pinned Ray takes."""
    from ray.scripts.scripts import start  # noqa: PLC0415 - only where manifests are checked

    command: Any = start
    return {option.removeprefix("--") for each in command.params for option in each.opts}


def _variables(group: Object, configs: Mapping[str, Object]) -> set[str]:
    """Return the names of the Ray container's variables, of ConfigMaps too."""
    spec = (group.get("template") or {}).get("spec") or {}
    container, *_ = spec.get("containers") or [{}]
    found = {each["name"] for each in container.get("env", [])}
    for source in container.get("envFrom", []):
        own = (source.get("configMapRef") or {}).get("name")
        found |= set((configs.get(own) or {}).get("data") or {})
    return found


def _redis(where: str, thing: Object, cluster: Object, said: set[str]) -> Iterator[Finding]:
    options = cluster.get("gcsFaultToleranceOptions")
    starts = (cluster.get("headGroupSpec") or {}).get("rayStartParams") or {}
    twice = (said & _REDIS_ENV) | (starts.keys() & {"redis-password", "redis-username"})
    if twice:
        what = "beside" if options else "without"
        text = f"{', '.join(sorted(twice))} {what} gcsFaultToleranceOptions"
        yield Finding("operator.redis", where, text)
    old = _ANNOTATIONS & set(thing["metadata"].get("annotations") or {})
    if old:
        yield Finding("operator.redis-annotation", where, ", ".join(sorted(old)))
    if (options or {}).get("externalStorageNamespace"):
        yield Finding(
            "operator.redis", where, "old and new cluster would share one storage namespace"
        )


def _autoscaler(where: str, cluster: Object, said: set[str]) -> Iterator[Finding]:
    scaled = cluster.get("enableInTreeAutoscaling")
    version = (cluster.get("autoscalerOptions") or {}).get("version")
    if _SCALER_ENV in said:
        text = f"{_SCALER_ENV}: say autoscalerOptions.version, with autoscaling"
        yield Finding("operator.autoscaler", where, text)
    if scaled and version != "v2":
        yield Finding("operator.autoscaler-version", where, f"{version}: say v2")
    for group in cluster.get("workerGroupSpecs", []):
        ours = sorted({"idleTimeoutSeconds", "priority"} & set(group))
        if ours and not (scaled and version == "v2"):
            yield Finding("operator.autoscaler-group", where, f"{', '.join(ours)} needs v2")
