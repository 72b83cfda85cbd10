"""`devmind status`: whether the service answers, what it has recorded, which models it serves."""

# ruff: noqa: PLC0415
# Imports stand where they are needed, so that `devmind --help` is quick.

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from devmind.cli import options, say
from devmind.cli.exits import ExitCode

A = TypeVar("A")


def status(
    *,
    memory: Annotated[
        bool,
        typer.Option("--memory", help="Memory of the service that `devmind up` started here."),
    ] = False,
    url: options.Url = None,
    api_key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Show whether the service is ready, its projects and its models.

    The exit code is 4 when it is not reachable or not ready.

    For example:

        devmind status
        devmind status --memory --json
    """
    if memory:
        _memory(as_json=as_json)
        return
    from devmind.cli import tables
    from devmind.cli.connect import connect

    with connect(url, api_key_file) as client:
        information, readiness = client.information(), client.readiness()
        projects = _if_told(client.projects, ready=readiness.ready)
        models = _if_told(client.model_status, ready=readiness.ready)
    if as_json:
        say.as_json(
            {
                "url": client.url,
                "service": information.as_json(),
                "ready": readiness.ready,
                "reasons": readiness.reasons,
                "projects": projects and [project.as_json() for project in projects],
                "models": models and [model.as_json() for model in models],
            }
        )
    else:
        say.show(tables.service(client.url, information, readiness))
        if projects is not None:
            say.show(tables.projects(projects))
        if models is not None:
            say.show(tables.models(models))
            if any(model.watching or model.shadow for model in models):
                say.show(tables.watching(models))
    if not readiness.ready:
        raise typer.Exit(ExitCode.UNREACHABLE)


def _if_told(ask: Callable[[], tuple[A, ...]], *, ready: bool) -> tuple[A, ...] | None:
    """Return what the service says; while it is not ready, it may have nothing to say."""
    from devmind.errors import DevMindError

    try:
        return ask()
    except DevMindError:
        if ready:
            raise
        return None


def _memory(*, as_json: bool) -> None:
    from devmind.cli import local_tables
    from devmind.local.layout import layout
    from devmind.local.memory import measure

    use = measure(layout(os.environ))
    if as_json:
        say.as_json(use.as_json())
    else:
        say.show(local_tables.memory(use))
