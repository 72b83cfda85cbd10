"""GitHub Actions, as its REST API gives it: runs, jobs, changes and test reports in a folder.

    PROJECT_DIR/runs/*.json              "list workflow runs" pages, or single runs
    PROJECT_DIR/jobs/<run_id>*.json      "list jobs for a workflow run" pages
    PROJECT_DIR/changes/<run_id>.json    "compare two commits" or "get a commit"
    PROJECT_DIR/junit/<run_id>/**/*.xml  JUnit artifacts of the latest attempt
    PROJECT_DIR/junit/<run_id>/attempt-<n>/**/*.xml   of attempt n

All but `runs` are optional. A rerun has the same id and a higher `run_attempt`: another build,
queued at its `run_started_at`. The pipeline is the file name of the workflow (`ci.yml`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from devmind.ci import BuildStatus, FinishedBuild, QueuedBuild
from devmind.errors import UnreadableSource
from devmind.readers.github_changes import read_change, read_files, with_files
from devmind.readers.github_folder import Attached, pages_of
from devmind.readers.github_jobs import outcome_of, read_jobs
from devmind.readers.github_words import status_of
from devmind.readers.payloads import stream_list
from devmind.readers.records import Record
from devmind.readers.source import Skipped, Source

_WORKFLOWS = ".github/workflows/"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What is kept of a run's payload: a few hundred bytes of its 20 KB."""

    build: QueuedBuild
    status: BuildStatus | None
    word: str
    updated_at: datetime
    where: str


def open_github(path: Path, project: str | None = None) -> Source:
    """Open a project folder, or one JSON file of runs.

    The pages of runs are read now; jobs, changes and reports when their build's turn comes.

    Args:
        path: A folder with `runs/` in it, or a file with `workflow_runs` or a single run.
        project: The project's name; by default `repository.full_name`, or the folder's name.

    Raises:
        UnreadableSource: If a page of runs is broken.
    """
    pages = sorted((path / "runs").glob("*.json")) if path.is_dir() else [path]
    runs = _newest(pages, project or "", path.stem)
    latest = {run.build.external_id: run.build.attempt for run in runs}
    attached = Attached(path if path.is_dir() else None, latest)

    def read(skipped: list[Skipped]) -> Iterator[FinishedBuild]:
        for run in runs:
            if run.status is None:
                reason = f"it has not finished: its status is {run.word!r}"
                skipped.append(Skipped(record=run.where, reason=reason))
            else:
                yield _finished(run, run.status, attached, skipped)

    return Source(kind="github", path=path, read=read, estimate=len(runs))


def _newest(pages: list[Path], project: str, folder: str) -> list[_Run]:
    """Return all runs by time; of a run that stands in several pages, the newest version."""
    found: dict[tuple[str, int], _Run] = {}
    for page in pages:
        for record in _runs_in(page):
            run = _run(record, project, folder)
            key = (run.build.external_id, run.build.attempt)
            if key not in found or run.updated_at >= found[key].updated_at:
                found[key] = run

    def order(run: _Run) -> tuple[datetime, int, int]:
        return (run.build.queued_at, int(run.build.external_id), run.build.attempt)

    return sorted(found.values(), key=order)


def _runs_in(page: Path) -> Iterator[Record]:
    empty = True
    for record in stream_list(page, "workflow_runs"):
        empty = False
        yield record
    if empty:
        yield from (run for one in pages_of(page) for run in _runs_of(one))


def _runs_of(page: Record) -> list[Record]:
    if page.has("workflow_runs"):
        return page.records("workflow_runs")
    if page.has("head_sha"):
        return [page]
    reason = "neither a page with workflow_runs nor a run"
    advice = "Save what GitHub's API answers to GET /repos/OWNER/NAME/actions/runs."
    raise UnreadableSource(page.where, reason, advice)


def _run(record: Record, project: str, folder: str) -> _Run:
    run_id = record.required("id")
    if not run_id.isdecimal():
        record.bad("id", "a whole number")
    attempt = record.count("run_attempt") or 1
    created_at = record.at_required("created_at")
    queued_at = (record.at("run_started_at") or created_at) if attempt > 1 else created_at
    word = record.text("status")
    build = QueuedBuild(
        project=project or record.record("repository").text("full_name") or folder,
        pipeline=_pipeline(record),
        external_id=run_id,
        attempt=attempt,
        queued_at=queued_at,
        trigger=record.text("event"),
        change=read_change(record),
    )
    return _Run(
        build=build,
        status=status_of(record, "conclusion") if word == "completed" else None,
        word=word,
        updated_at=record.at("updated_at") or queued_at,
        where=f"{record.where}, run {run_id}, attempt {attempt}",
    )


def _pipeline(run: Record) -> str:
    """Return `ci.yml` for `.github/workflows/ci.yml@main`; else the workflow's name or id."""
    path = run.text("path").partition("@")[0].removeprefix(_WORKFLOWS)
    return path or run.text("name") or run.required("workflow_id")


def _finished(
    run: _Run, status: BuildStatus, attached: Attached, skipped: list[Skipped]
) -> FinishedBuild:
    build = run.build
    files = tuple(read_files(attached.files(build.external_id)))
    jobs = read_jobs(
        attached.jobs(build.external_id),
        attempt=build.attempt,
        queued_at=build.queued_at,
        skipped=skipped,
    )
    return FinishedBuild(
        build=replace(build, change=with_files(build.change, files)),
        outcome=outcome_of(
            status, jobs, queued_at=build.queued_at, otherwise=run.updated_at, where=run.where
        ),
        reports=attached.reports(build.external_id, build.attempt),
    )
