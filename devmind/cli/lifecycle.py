"""`devmind train`, `promote`, `rollback`: the life of model versions."""

# ruff: noqa: PLC0415, PLR0913
# Imports stand where they are needed, so that `devmind --help` is quick; options are arguments.

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from devmind.cli import options, say
from devmind.cli.exits import ExitCode

if TYPE_CHECKING:
    from devmind.client import Client, JobStatus

MODELS = ("build-optimizer", "failure-predictor", "test-intelligence")
POLL_S = 1.0

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="build-optimizer, failure-predictor or test-intelligence."
    ),
]


def train(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help=f"{', '.join(MODELS)}, or all three with `all`.")
    ],
    *,
    promote_if_better: Annotated[
        bool,
        typer.Option("--promote-if-better", help="Promote the new version if the gate says so."),
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Stay until the training is over, showing its progress.")
    ] = False,
    url: options.Url = None,
    api_key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Train a new version of a model from the history, on the service's cluster.

    For example:

        devmind train all --promote-if-better --wait
        devmind train failure-predictor --json
    """
    from devmind.cli.connect import connect

    jobs = []
    with connect(url, api_key_file) as client:
        for name in MODELS if model == "all" else (path_name(model),):
            job = client.retrain(name, promote_if_better=promote_if_better)
            jobs.append(_followed(client, job) if wait else job)
    if as_json:
        say.as_json([job.as_json() for job in jobs])
    else:
        for job in jobs:
            said = f": {job.detail}" if job.detail else ""
            say.line(f"{job.model}  job {job.job_id}  {job.state}{said}")
    if any(job.over and job.state != "succeeded" for job in jobs):
        raise typer.Exit(ExitCode.UNEXPECTED)


def promote(
    model: Model,
    version: Annotated[str, typer.Argument(help="The version, as `devmind status` shows it.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Even when the gate says no.")] = False,
    url: options.Url = None,
    api_key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Make a version the champion: the one that answers.

    For example:

        devmind promote build-optimizer 4
    """
    from devmind.cli.connect import connect

    with connect(url, api_key_file) as client:
        now = client.promote(path_name(model), version, force=force)
    if as_json:
        say.as_json(now.as_json())
    else:
        say.line(f"{now.model}: version {now.version} is champion")


def rollback(
    model: Model,
    *,
    url: options.Url = None,
    api_key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Make the previous champion champion again.

    For example:

        devmind rollback build-optimizer
    """
    from devmind.cli.connect import connect

    with connect(url, api_key_file) as client:
        now = client.rollback(path_name(model))
    if as_json:
        say.as_json(now.as_json())
    else:
        say.line(f"{now.model}: version {now.version} is champion again")


def path_name(model: str) -> str:
    """Return a model's name as the service writes it.

    Raises:
        InvalidInput: If there is no such model.
    """
    from devmind.errors import InvalidInput

    name = model.replace("_", "-")
    if name not in MODELS:
        raise InvalidInput("no such model", model, f"There are {', '.join(MODELS)}.")
    return name


def _followed(client: Client, job: JobStatus) -> JobStatus:
    """Follow *job* to its end on stderr, asking once a second."""
    from rich.progress import Progress

    with Progress(console=say.console(stderr=True), transient=True) as progress:
        task = progress.add_task(job.model, total=1.0)
        while not job.over:
            time.sleep(POLL_S)
            job = client.job(job.job_id)
            progress.update(
                task,
                completed=job.progress or 0.0,
                description=f"{job.model}: {job.stage or job.state}",
            )
    return job
