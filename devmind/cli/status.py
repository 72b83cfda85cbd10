"""`devmind status`: whether the service answers, what it has recorded, which models it serves."""

# ruff: noqa: PLC0415
# Imports stand where they are needed, so that `devmind --help` is quick.

from __future__ import annotations

import os
from typing import Annotated

import typer

from devmind.cli import options, say
from devmind.cli.exits import ExitCode


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
        projects = client.projects() if readiness.ready else ()
        models = client.model_status() if readiness.ready else ()
    if as_json:
        say.as_json(
            {
                "url": client.url,
                "service": information.as_json(),
                "ready": readiness.ready,
                "reasons": readiness.reasons,
                "projects": [project.as_json() for project in projects],
                "models": [model.as_json() for model in models],
            }
        )
    else:
        say.show(tables.service(client.url, information, readiness))
        if readiness.ready:
            say.show(tables.projects(projects), tables.models(models))
    if not readiness.ready:
        raise typer.Exit(ExitCode.UNREACHABLE)


def _memory(*, as_json: bool) -> None:
    from devmind.cli import local_tables
    from devmind.local.layout import layout
    from devmind.local.memory import measure

    use = measure(layout(os.environ))
    if as_json:
        say.as_json(use.as_json())
    else:
        say.show(local_tables.memory(use))
