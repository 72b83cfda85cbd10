"""`devmind jobs`, `cancel`: training jobs, what they write, and how to end one."""

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

POLL_S = 1.0

JobId = Annotated[
    str, typer.Argument(metavar="[JOB]", help="A job's id, as `devmind jobs` shows it.")
]


def jobs(
    job_id: JobId = "",
    *,
    logs: Annotated[
        bool, typer.Option("--logs", help="What the job wrote, one JSON object a line.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Stay until the job is over, showing what comes.")
    ] = False,
    model: Annotated[
        str, typer.Option("--model", metavar="MODEL", help="Only jobs of this model.")
    ] = "",
    url: options.Url = None,
    api_key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Show the training jobs, or one of them, or what it wrote.

    States are queued, running, succeeded, failed, cancelled, and skipped where a schedule found too
    little to learn from; the reason stands beside it. All of it outlives the job, and restarts of
    the service and of its cluster.

    With --follow the exit code is 1 when the job fails or is cancelled, and 0 when it is skipped.

    For example:

        devmind jobs
        devmind jobs --model build-optimizer --json
        devmind jobs build_optimizer-20260301T031500-4f2a9c
        devmind jobs build_optimizer-20260301T031500-4f2a9c --logs --follow
    """
    from devmind.cli.connect import connect
    from devmind.errors import InvalidInput

    if (logs or follow) and not job_id:
        raise InvalidInput("JOB", "", "Say which job: `devmind jobs` lists them.")
    with connect(url, api_key_file) as client:
        if not job_id:
            _all(client, model, as_json=as_json)
            return
        if logs:
            _written(client, job_id, follow=follow)
        job = followed(client, client.job(job_id)) if follow else client.job(job_id)
    if not logs:
        _one(job, as_json=as_json)
    if follow and job.state not in ("succeeded", "skipped"):
        raise typer.Exit(ExitCode.UNEXPECTED)


def cancel(
    job_id: Annotated[str, typer.Argument(metavar="JOB", help="Its id.")],
    *,
    url: options.Url = None,
    api_key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Cancel a training job that is queued or running.

    It registers nothing from then on, and its process ends within seconds. Cancelling it again
    changes nothing; a job that has ended otherwise is refused with exit code 5.

    For example:

        devmind cancel build_optimizer-20260301T031500-4f2a9c
    """
    from devmind.cli.connect import connect

    with connect(url, api_key_file) as client:
        job = client.cancel(job_id)
    _one(job, as_json=as_json)


def followed(client: Client, job: JobStatus) -> JobStatus:
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


def line(job: JobStatus) -> str:
    """Return a job in one line."""
    said = f": {job.detail}" if job.detail else ""
    return f"{job.model}  job {job.job_id}  {job.state}{said}"


def _all(client: Client, model: str, *, as_json: bool) -> None:
    from devmind.cli import tables

    found = client.jobs(model or None)
    if as_json:
        say.as_json([job.as_json() for job in found])
    else:
        say.show(tables.jobs(found))


def _one(job: JobStatus, *, as_json: bool) -> None:
    if as_json:
        say.as_json(job.as_json())
    else:
        say.line(line(job))


def _written(client: Client, job_id: str, *, follow: bool) -> None:
    offset = 0
    while True:
        over = client.job(job_id).over  # asked before the page: what came last is on it
        page = client.job_logs(job_id, offset=offset)
        say.text(page.text)
        if page.next_offset > page.offset:
            offset = page.next_offset
        elif over or not follow:
            return
        else:
            time.sleep(POLL_S)
