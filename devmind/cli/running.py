"""`devmind remaining`: how much longer a running build takes."""

# ruff: noqa: PLC0415, PLR0913
# Imports stand where they are needed, so that `devmind --help` is quick; options are arguments.

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from devmind.cli import options, say
from devmind.errors import InvalidInput

if TYPE_CHECKING:
    from devmind.client import JobNow

STATES = ("queued", "running", "passed", "failed", "canceled", "skipped")


def remaining(
    *,
    elapsed: Annotated[
        float | None,
        typer.Option("--elapsed", min=0, help="Seconds since the build's first job started."),
    ] = None,
    started_at: Annotated[
        str | None,
        typer.Option("--started-at", help="When that job started, such as 2026-01-31T12:00:00Z."),
    ] = None,
    job: Annotated[
        list[str] | None,
        typer.Option(
            "--job",
            metavar="NAME=STATUS[:SECONDS]",
            help="A job and what it does (queued, running, passed, failed, canceled, skipped) and "
            "its seconds so far; give it once for each.",
        ),
    ] = None,
    project: options.Project = None,
    pipeline: options.Pipeline = None,
    trigger: options.Trigger = None,
    branch: options.Branch = None,
    author: options.Author = None,
    commit: options.Commit = None,
    base: options.Base = None,
    changed: options.Changed = None,
    build: options.BuildId = None,
    url: options.Url = None,
    api_key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Predict how much longer a running build takes.

    Without --elapsed and --started-at a recorded build (--build) counts from its queueing.

    For example:

        devmind remaining --build 7f3k2q
        devmind remaining --pipeline ci.yml --elapsed 180 --job lint=passed:41 --job test=running
    """
    from devmind.cli.connect import connect
    from devmind.cli.describe import Given, describe, time_of, warn_of_unknown_files
    from devmind.cli.remaining_table import shown
    from devmind.client import RunningQuestion

    jobs = tuple(parse_jobs(job or ()))
    since = None if started_at is None else time_of("started_at", started_at)
    given = Given(
        project=project,
        pipeline=pipeline,
        trigger=trigger,
        branch=branch,
        author=author,
        commit=commit,
        base=base,
        changed=changed or (),
    )
    described = describe(given)
    question = RunningQuestion(
        question=described.question(build=build), elapsed_s=elapsed, started_at=since, jobs=jobs
    )
    if build is None:
        warn_of_unknown_files(described)
    with connect(url, api_key_file) as client:
        prediction = client.predict_remaining(question)
    if as_json:
        say.as_json(prediction.as_json())
    else:
        say.show(shown(prediction))


def parse_jobs(words: Sequence[str]) -> Iterator[JobNow]:
    """Read jobs as the command line gives them.

    Raises:
        InvalidInput: If one is not `NAME=STATUS` or `NAME=STATUS:SECONDS`.

    Example:
        >>> [job.body() for job in parse_jobs(["unit (3.11)=passed:41.5"])]
        [{'name': 'unit (3.11)', 'status': 'passed', 'duration_s': 41.5}]
    """
    from devmind.client import JobNow

    for word in words:
        name, _, rest = word.rpartition("=")
        status, colon, seconds = rest.partition(":")
        duration_s = _seconds(seconds) if colon else None
        if not name or status not in STATES or (colon and duration_s is None):
            raise InvalidInput("--job", word, "Write NAME=STATUS or NAME=STATUS:SECONDS.")
        yield JobNow(name=name, status=status, duration_s=duration_s)


def _seconds(text: str) -> float | None:
    plain = text.replace(".", "", 1)
    return float(text) if plain.isascii() and plain.isdigit() else None
