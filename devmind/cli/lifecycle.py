"""`devmind train`, `promote`, `rollback`: the life of model versions."""

# ruff: noqa: PLC0415, PLR0913
# Imports stand where they are needed, so that `devmind --help` is quick; options are arguments.

from __future__ import annotations

from typing import Annotated

import typer

from devmind.cli import options, say
from devmind.cli.exits import ExitCode

MODELS = ("build-optimizer", "failure-predictor", "test-intelligence")

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
    search: Annotated[
        float | None,
        typer.Option(
            "--search", metavar="MINUTES", min=0.1, help="Look for better knobs for so long first."
        ),
    ] = None,
    shadow: Annotated[
        int | None,
        typer.Option(
            "--shadow",
            metavar="BUILDS",
            min=1,
            help="Let it answer silently for so many builds before the gate compares them.",
        ),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Stay until the training is over, showing its progress.")
    ] = False,
    url: options.Url = None,
    api_key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Train a new version of a model from the history, on the service's cluster.

    A model has one job at a time; a second one is refused with exit code 5. `devmind jobs` shows
    how it does, `devmind cancel` ends it. With --wait the exit code is 1 when a job fails or is
    cancelled; without it, 0 says that the job was taken.

    For example:

        devmind train all --promote-if-better --wait
        devmind train build-optimizer --search 30 --promote-if-better
        devmind train failure-predictor --json
    """
    from devmind.cli.connect import connect
    from devmind.cli.jobs import followed, line

    jobs = []
    with connect(url, api_key_file) as client:
        for name in MODELS if model == "all" else (path_name(model),):
            job = client.retrain(
                name,
                promote_if_better=promote_if_better,
                search_minutes=search,
                shadow_builds=shadow,
            )
            jobs.append(followed(client, job) if wait else job)
    if as_json:
        say.as_json([job.as_json() for job in jobs])
    else:
        for job in jobs:
            say.line(line(job))
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
