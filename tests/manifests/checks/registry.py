"""MLflow's server: it understands its options, and is found where others look for it."""

from __future__ import annotations

from collections.abc import Iterator

import click
from mlflow import cli

from tests.manifests.checks import told
from tests.manifests.checks.objects import Finding, Objects, matches, of_kind

_EVERYWHERE = "0.0.0.0"  # noqa: S104 - what a pod must listen on


def check(objects: Objects) -> Iterator[Finding]:
    """Yield what would keep MLflow from starting, or others from reaching it."""
    for each in told.containers(objects):
        if each.words[:2] == ["mlflow", "server"]:
            yield from _server(each, objects)


def _server(each: told.Told, objects: Objects) -> Iterator[Finding]:
    try:
        asked = cli.server.make_context("server", each.words[2:]).params
    except click.ClickException as error:
        yield Finding("registry.option", each.where, error.format_message())
        return
    if asked["host"] != _EVERYWHERE:
        yield Finding("registry.host", each.where, str(asked["host"]))
    if asked["port"] not in {port["containerPort"] for port in each.container.get("ports", [])}:
        yield Finding("registry.port", each.where, str(asked["port"]))
    if "persistentVolumeClaim" not in each.holder(str(asked["artifacts_destination"]))[1]:
        yield Finding("registry.artifacts", each.where, str(asked["artifacts_destination"]))
    allowed = (each.values.get("MLFLOW_SERVER_ALLOWED_HOSTS") or "").split(",")
    for service in of_kind(objects, "Service"):
        if matches({"matchLabels": service["spec"]["selector"]}, each.pod.labels):
            own = {f"{service['metadata']['name']}:{p['port']}" for p in service["spec"]["ports"]}
            if not own <= set(allowed):
                yield Finding("registry.allowed-hosts", each.where, f"{own - set(allowed)}")
