"""The Serve configuration inside a RayService: strict, and fit for Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
from ray.serve.config import AutoscalingConfig
from ray.serve.schema import ServeDeploySchema

from tests.manifests.checks.objects import Finding, Object, Objects, name, of_kind, serve_config

_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - what a pod must listen on
_ROUNDING = 0.001


def check(objects: Objects) -> Iterator[Finding]:
    """Yield what is wrong with the Serve configuration of every RayService."""
    for thing in of_kind(objects, "RayService"):
        where, spec = name(thing), thing["spec"]
        config = serve_config(thing)
        for error in _strict().iter_errors(config):
            yield Finding("serve.strict", where, f"{error.json_path}: {error.message[:160]}")
        yield from _scaling(where, config)
        yield from _placed(where, config)
        yield from _fits(where, config, spec.get("rayClusterConfig") or {})


@cache
def _strict() -> Any:
    """Return Ray's schema with unknown keys refused, which Ray itself takes without a word."""
    schema = ServeDeploySchema.model_json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        if part.get("properties"):
            part["additionalProperties"] = False
    return jsonschema.Draft202012Validator(schema)


def _scaling(where: str, config: Object) -> Iterator[Finding]:
    """Ray's schema says of this part that it is an object, and no more."""
    for application in config.get("applications", []):
        for each in application["deployments"]:
            unknown = set(each.get("autoscaling_config") or {}) - set(
                AutoscalingConfig.model_fields
            )
            for key in sorted(unknown):
                yield Finding("serve.strict", where, f"{each['name']}: autoscaling_config.{key}")


def _placed(where: str, config: Object) -> Iterator[Finding]:
    if config.get("proxy_location", "EveryNode") != "EveryNode":
        yield Finding("serve.every-node", where, "workers would never be ready")
    http = config.get("http_options") or {}
    if http.get("host", "127.0.0.1") not in _EVERYWHERE:
        yield Finding("serve.host", where, f"{http.get('host')}: no other pod could reach it")
    if http.get("port", 8000) != 8000:
        yield Finding("serve.port", where, str(http.get("port")))
    for application in config.get("applications", []):
        if str(application.get("route_prefix", "/")).startswith("/-"):
            yield Finding("serve.route", where, "/-/ is Serve's own")


def _fits(where: str, config: Object, cluster: Object) -> Iterator[Finding]:
    """A node holds one replica of everything, and the least replicas find nodes."""
    deployments = [
        each
        for application in config.get("applications", [])
        for each in application["deployments"]
    ]
    wanted = sum(each.get("ray_actor_options", {}).get("num_cpus", 1) for each in deployments)
    workers = cluster.get("workerGroupSpecs") or []
    nodes = workers or [cluster.get("headGroupSpec") or {}]
    for group in nodes:
        cpus = float((group.get("rayStartParams") or {}).get("num-cpus", 0))
        if cpus + _ROUNDING < wanted:
            yield Finding("serve.fits", where, f"{wanted:.1f} CPUs on a node of {cpus:.1f}")
    least = sum(group.get("minReplicas", 0) for group in workers) if workers else 1
    for each in deployments:
        replicas = (each.get("autoscaling_config") or {}).get("min_replicas", 1)
        a_node = each.get("max_replicas_per_node")
        if a_node and replicas > a_node * least:
            yield Finding("serve.fits", where, f"{each['name']}: {replicas} on {least} nodes")
        if workers and replicas < least:
            yield Finding(
                "serve.idle-worker", where, f"{each['name']}: {replicas} on {least} nodes"
            )
