"""`devmind record`: tells the service about the build this job is part of."""

# ruff: noqa: PLC0415, PLR0913
# Imports stand where they are needed, so that `devmind --help` is quick; options are arguments.

from __future__ import annotations

import glob
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devmind.cli import options, say

if TYPE_CHECKING:
    from devmind.ci import Job, TestReport, TestRun
    from devmind.client import EventReceipt

app = typer.Typer(no_args_is_help=True, help="Record a build: queued, its tests, finished.")

_WORDS = {"success": "passed", "failure": "failed", "cancelled": "canceled", "aborted": "canceled"}
_WORDS |= {"unstable": "failed", "neutral": "skipped"}

ThisBuild = Annotated[
    str | None,
    typer.Argument(
        metavar="[BUILD]",
        envvar="DEVMIND_BUILD",
        help="What `record build` printed; by default the build this CI job is part of.",
    ),
]


@app.command("build")
def record_build(
    *,
    project: options.Project = None,
    pipeline: options.Pipeline = None,
    external_id: options.ExternalId = None,
    attempt: options.Attempt = None,
    trigger: options.Trigger = None,
    branch: options.Branch = None,
    author: options.Author = None,
    commit: options.Commit = None,
    base: options.Base = None,
    changed: options.Changed = None,
    queued_at: Annotated[
        str | None, typer.Option("--queued-at", help="When it was queued, by default now.")
    ] = None,
    url: options.Url = None,
    api_key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Record that a build was queued, and print its id.

    Project, pipeline, branch and so on come from GitHub Actions, GitLab, Jenkins or Tekton, the
    changed files from git; every option overrides what was found.

    For example:

        BUILD=$(devmind record build)
        devmind record build --project shop/web --pipeline nightly --external-id 1871
    """
    from devmind.cli.connect import connect
    from devmind.cli.describe import Given, describe, time_of, warn_of_unknown_files

    described = describe(
        Given(
            project=project,
            pipeline=pipeline,
            external_id=external_id,
            attempt=attempt,
            trigger=trigger,
            branch=branch,
            author=author,
            commit=commit,
            base=base,
            changed=changed or (),
        )
    )
    at = time_of("--queued-at", queued_at) if queued_at else datetime.now(UTC)
    build = described.queued_build(now=at)
    warn_of_unknown_files(described)
    with connect(url, api_key_file) as client:
        receipt = client.record_build(build)
    _tell(receipt, as_json=as_json, text=receipt.build_id)


@app.command("finish")
def record_finish(
    build: ThisBuild = None,
    *,
    status: Annotated[
        str,
        typer.Option(
            "--status", help="passed, failed, canceled or skipped; success and failure do, too."
        ),
    ],
    started_at: Annotated[
        str | None, typer.Option("--started-at", help="When its first job started.")
    ] = None,
    finished_at: Annotated[
        str | None, typer.Option("--finished-at", help="When it ended, by default now.")
    ] = None,
    jobs: Annotated[
        Path | None,
        typer.Option("--jobs", help="JSON file with a list of jobs and their steps."),
    ] = None,
    project: options.Project = None,
    pipeline: options.Pipeline = None,
    external_id: options.ExternalId = None,
    attempt: options.Attempt = None,
    url: options.Url = None,
    api_key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Record how a build ended.

    For example:

        devmind record finish --status ${{ job.status }}
        devmind record finish m4gb7wkjbcmlrhiuqe7knnin --status failed --jobs jobs.json
    """
    from devmind.ci import BuildOutcome, BuildStatus
    from devmind.cli.connect import connect
    from devmind.cli.describe import time_of
    from devmind.errors import InvalidInput

    word = _WORDS.get(status.lower(), status.lower())
    if word not in list(BuildStatus):
        advice = f"It is one of {', '.join(BuildStatus)}."
        raise InvalidInput("--status is no way for a build to end", status, advice)
    outcome = BuildOutcome(
        status=BuildStatus(word),
        finished_at=time_of("--finished-at", finished_at) if finished_at else datetime.now(UTC),
        started_at=time_of("--started-at", started_at) if started_at else None,
        jobs=_jobs(jobs) if jobs else (),
    )
    build_id = build or _this_build(project, pipeline, external_id, attempt)
    with connect(url, api_key_file) as client:
        receipt = client.record_finish(build_id, outcome)
    again = " (it was recorded before)" if receipt.repeated else ""
    _tell(receipt, as_json=as_json, text=f"recorded: {receipt.build_id} {word}{again}")


@app.command("tests")
def record_tests(
    files: Annotated[
        list[str], typer.Argument(metavar="FILES...", help="JUnit XML files; ** works in quotes.")
    ],
    *,
    build: options.BuildId = None,
    name: Annotated[
        str, typer.Option("--name", help="Tells this report from the build's others.")
    ] = "",
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Warn of broken files and send the rest.")
    ] = False,
    project: options.Project = None,
    pipeline: options.Pipeline = None,
    external_id: options.ExternalId = None,
    attempt: options.Attempt = None,
    url: options.Url = None,
    api_key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Record a job's test results from JUnit XML files, as one report.

    For example:

        devmind record tests 'target/surefire-reports/*.xml'
        devmind record tests report.xml --build "$BUILD" --name linux
    """
    from devmind.cli.connect import connect

    report = _report(_found(files), name=name, skip_unreadable=skip_unreadable)
    build_id = build or _this_build(project, pipeline, external_id, attempt)
    with connect(url, api_key_file) as client:
        receipt = client.record_tests(build_id, report)
    again = " (they were recorded before)" if receipt.repeated else ""
    text = f"recorded: {receipt.tests} tests, {receipt.failed} failed, {receipt.skipped} skipped"
    _tell(receipt, as_json=as_json, text=text + again)


def _this_build(
    project: str | None, pipeline: str | None, external_id: str | None, attempt: int | None
) -> str:
    from devmind.cli.describe import Given, this_build

    given = Given(project=project, pipeline=pipeline, external_id=external_id, attempt=attempt)
    return this_build(given)


def _jobs(path: Path) -> tuple[Job, ...]:
    from pydantic import TypeAdapter, ValidationError

    from devmind.errors import UnreadableSource
    from devmind.wire import JobBody

    try:
        bodies = TypeAdapter(list[JobBody]).validate_python(json.loads(path.read_bytes()))
    except (OSError, ValueError, ValidationError) as error:
        advice = "It holds a list of jobs with name, status, times and steps."
        raise UnreadableSource(str(path), str(error), advice) from error
    return tuple(body.domain() for body in bodies)


def _found(patterns: list[str]) -> list[Path]:
    from devmind.errors import InvalidInput

    paths: dict[Path, None] = {}
    for pattern in patterns:
        matching = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207  absolute ones, too
        if not matching:
            advice = "Did the tests run, and write their report there?"
            raise InvalidInput("no file matches", pattern, advice)
        paths |= dict.fromkeys(Path(match) for match in matching if Path(match).is_file())
    return list(paths)


def _report(paths: list[Path], *, name: str, skip_unreadable: bool) -> TestReport:
    from devmind.ci import TestReport
    from devmind.errors import InvalidInput, UnreadableSource
    from devmind.readers.junit import read_junit

    runs: list[TestRun] = []
    unreadable = 0
    for path in paths:
        try:
            with path.open("rb") as stream:
                runs += _after(runs, read_junit(stream, name=path.name).runs)
        except (InvalidInput, OSError) as error:
            if not skip_unreadable:
                advice = "Nothing was sent; --skip-unreadable sends the rest."
                raise UnreadableSource(str(path), str(error).rstrip("."), advice) from error
            unreadable += 1
            say.warn(f"left out {path}: {error}")
    if unreadable == len(paths):
        raise InvalidInput("no readable test report", str(paths[0]), "Nothing was sent.")
    return TestReport(runs=tuple(runs), name=name)


def _after(earlier: list[TestRun], runs: Iterable[TestRun]) -> list[TestRun]:
    """Count attempts on: a test that another file has already was run again."""
    last: dict[str, int] = {}
    for run in earlier:
        last[run.name] = max(run.attempt, last.get(run.name, 0))
    return [replace(run, attempt=run.attempt + last.get(run.name, 0)) for run in runs]


def _tell(receipt: EventReceipt, *, as_json: bool, text: str) -> None:
    if as_json:
        say.as_json(receipt.as_json())
    else:
        say.line(text)
