"""`devmind up` and `devmind down`: the whole service on this machine."""

# ruff: noqa: PLC0415, PLR0913
# Imports stand where they are needed, so that `devmind --help` is quick; options are arguments.

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devmind.cli import options, say

if TYPE_CHECKING:
    from devmind.local.up import Plan, Running

_PORTS = "Ports"
MIB = 2**20


def up(
    *,
    history: Annotated[
        Path | None,
        typer.Option(
            "--history",
            envvar="DEVMIND_HISTORY",
            help="File or folder of real CI history; a simulated company by default.",
        ),
    ] = None,
    simulate_seed: Annotated[
        int, typer.Option("--simulate-seed", help="Which simulated company.")
    ] = 1,
    port: Annotated[
        int,
        typer.Option("--port", envvar="DEVMIND_PORT", help="Of the API.", rich_help_panel=_PORTS),
    ] = 8000,
    dashboard_port: Annotated[
        int,
        typer.Option(
            "--dashboard-port",
            envvar="DEVMIND_DASHBOARD_PORT",
            help="Of Ray's dashboard.",
            rich_help_panel=_PORTS,
        ),
    ] = 8265,
    mlflow_port: Annotated[
        int | None,
        typer.Option(
            "--mlflow-port",
            envvar="DEVMIND_MLFLOW_PORT",
            help="Of MLflow; 5000 by default, or 5001 if that is taken.",
            rich_help_panel=_PORTS,
        ),
    ] = None,
    cpus: Annotated[
        int | None,
        typer.Option("--cpus", min=1, help="Logical CPUs for Ray; all, but at least 4."),
    ] = None,
    object_store_mib: Annotated[
        int, typer.Option("--object-store-mib", min=80, help="Shared memory for Ray's objects.")
    ] = 512,
    as_json: options.AsJson = False,
) -> None:
    """Start the whole service here: history, Ray, three trained models, API, MLflow.

    What is there already is used again; state is kept in DEVMIND_HOME (`var` in the checkout).
    Needs a checkout with the service's libraries (`make up` sees to that).

    For example:

        devmind up
        devmind up --history ../runs --port 8080
    """
    from devmind.local.histories import Wanted
    from devmind.local.ports import Ports
    from devmind.local.ray_head import RaySize
    from devmind.local.up import Plan

    size = RaySize(
        cpus=cpus or max(4, os.cpu_count() or 1), object_store_bytes=object_store_mib * MIB
    )
    plan = Plan(
        wanted=Wanted(path=history, simulate_seed=simulate_seed),
        ports=Ports(api=port, dashboard=dashboard_port, mlflow=mlflow_port),
        size=size,
    )
    service = _up(plan)
    if as_json:
        say.as_json(_fields(service))
    else:
        from devmind.cli import local_tables

        say.show(*local_tables.running(service))


def down(*, as_json: options.AsJson = False) -> None:
    """Stop what `devmind up` has started, and nothing else. History and models stay.

    For example:

        devmind down
    """
    from devmind.cli.local_tables import Teller
    from devmind.local.layout import layout
    from devmind.local.up import down as stop

    stopped = stop(layout(os.environ), Teller(say.console(stderr=True)))
    if as_json:
        say.as_json({"stopped": stopped})


def _up(plan: Plan) -> Running:
    from devmind.cli.local_tables import Teller
    from devmind.local.layout import layout
    from devmind.local.up import Up
    from devmind.settings import ClientSettings

    teller = Teller(say.console(stderr=True))
    try:
        return Up(layout(os.environ), os.environ, teller, key=ClientSettings().key()).run(plan)
    finally:
        teller.stop()


def _fields(service: Running) -> dict[str, object]:
    """Return everything about a running service as JSON fields."""
    first = service.answers
    predictions = None
    if first is not None:
        predictions = {
            "about": asdict(first.asked),
            "duration": first.duration and first.duration.as_json(),
            "failure": first.failure and first.failure.as_json(),
            "tests": first.tests and first.tests.as_json(),
        }
    return {
        "addresses": dict(service.addresses),
        "token_file": str(service.token),
        "predictions": predictions,
        "seconds": dict(service.seconds),
        "first_answer_s": service.first_answer_s,
        "memory": service.memory.as_json(),
    }
