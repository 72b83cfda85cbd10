"""What the Serve configuration names in our code is there, and its values are Ray's and ours."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from ray.serve.config import AutoscalingConfig
from ray.serve.schema import ServeDeploySchema

from deployments.app import MODEL_DEPLOYMENTS, AppArgs
from tests.manifests.checks.objects import Finding, Object, Objects, name, of_kind, serve_config

_APPLICATION = "devmind"
"""Alerts and dashboards ask for it."""
_DEPLOYMENTS = {"ingress", "history", *MODEL_DEPLOYMENTS}


def check(objects: Objects) -> Iterator[Finding]:
    """Yield names that lead nowhere and values that Ray or `build_app` would refuse."""
    for thing in of_kind(objects, "RayService"):
        where, config = name(thing), serve_config(thing)
        yield from _valid(where, "", ServeDeploySchema, config)
        yield from _imported(
            where, (config.get("tracing_config") or {}).get("exporter_import_path")
        )
        applications = config.get("applications", [])
        if [each.get("name") for each in applications] != [_APPLICATION]:
            yield Finding("serve.named", where, f"one application, {_APPLICATION}")
        for application in applications:
            yield from _application(where, application)


def _application(where: str, application: Object) -> Iterator[Finding]:
    yield from _imported(where, application.get("import_path"))
    policy = application.get("autoscaling_policy") or {}
    yield from _imported(where, policy.get("policy_function"))
    yield from _valid(where, "args", AppArgs, application.get("args") or {})
    if "runtime_env" in application:
        yield Finding("serve.valid", where, "runtime_env: the image has everything")
    deployments = application["deployments"]
    if sorted(each["name"] for each in deployments) != sorted(_DEPLOYMENTS):
        yield Finding("serve.named", where, f"deployments: {sorted(_DEPLOYMENTS)}")
    for each in deployments:
        yield from _deployment(where, each)


def _deployment(where: str, deployment: Object) -> Iterator[Finding]:
    own, scaling = deployment["name"], deployment.get("autoscaling_config")
    if scaling is None or "num_replicas" in deployment:
        yield Finding("serve.valid", where, f"{own}: scaled, and not also fixed")
    yield from _valid(where, own, AutoscalingConfig, scaling or {})
    version = str((deployment.get("user_config") or {}).get("version", "champion"))
    if version != "champion" and not version.isdecimal():
        yield Finding("serve.valid", where, f"{own}: version {version}")


def _valid(where: str, place: str, model: Any, value: Object) -> Iterator[Finding]:
    try:
        model.model_validate(value)
    except ValidationError as refused:
        for error in refused.errors():
            path = ".".join(map(str, error["loc"]))
            yield Finding("serve.valid", where, f"{place} {path}: {error['msg']}")


def _imported(where: str, path: str | None) -> Iterator[Finding]:
    if path is None:
        return
    module, _, attribute = path.replace(":", ".").rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        found = None
    if not callable(found):
        yield Finding("serve.named", where, path)
