"""The `with_steps` CSV: one GitHub run a row, its jobs and steps as JSON in `job_details`.

Only what was known when a run was queued becomes part of its build. Left out on purpose, because
they were looked up afterwards and tell the outcome: `gh_is_pr`, `gh_pull_req_number`,
`gh_description_complexity`, `git_merged_with`, `gh_num_pr_comments`, `tests_*`, `tests_ran`,
`build_duration`, `build_duration_original`, `fixed_with_api`, `fetch_duration`, `total_builds`,
`total_jobs`. `run_attempt_from_api` names the attempt, and nothing else.

A run that is `pending` or `waiting` has the status of its jobs if they have all finished. The
row holds the jobs of the latest attempt but the `created_at` of the first, so a rerun counts as
queued when its first job started.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from devmind.ci import (
    BuildStatus,
    Change,
    ChangeTotals,
    FinishedBuild,
    Job,
    QueuedBuild,
    Step,
)
from devmind.paths import PathKind, kind
from devmind.readers.ghaminer_sizes import mined_totals
from devmind.readers.github_jobs import WORD, outcome_of
from devmind.readers.github_words import overall, status_of
from devmind.readers.payloads import parse_json
from devmind.readers.records import Record, as_record
from devmind.readers.source import Skipped, Source, in_order
from devmind.readers.tables import count_lines, read_table

COLUMNS = frozenset(
    "repo id_build branch commit_sha status conclusion workflow_event_trigger issuer_name"
    " workflow_id workflow_name created_at updated_at run_attempt_from_api job_details"
    " gh_files_added gh_files_deleted gh_files_modified gh_lines_added gh_lines_deleted"
    " gh_test_churn gh_src_churn gh_doc_files gh_other_files file_types dockerfile_changed".split()
)
"""The columns that are read; no other is."""


def open_steps(path: Path, project: str | None = None) -> Source:
    """Open one CSV file.

    Args:
        path: The file.
        project: The project's name; by default the `repo` of each row.
    """

    def read(skipped: list[Skipped]) -> Iterator[FinishedBuild]:
        builds: list[FinishedBuild] = []
        for row in read_table(path, needs=COLUMNS):
            build = _finished(row, project, skipped)
            if build:
                builds.append(build)
        return in_order(builds)

    return Source(kind="github-steps", path=path, read=read, estimate=count_lines(path))


def _finished(row: Record, project: str | None, skipped: list[Skipped]) -> FinishedBuild | None:
    details = parse_json(row.text("job_details") or "[]", f"{row.where}, job_details")
    if not isinstance(details, list):
        row.bad("job_details", "a list of jobs")
    jobs = [as_record(one, f"{row.where}, job {i}") for i, one in enumerate(details)]
    status = _status(row, jobs)
    if status is None:
        reason = f"it has not finished: its status is {row.text('status')!r}"
        skipped.append(Skipped(record=f"{row.where}, run {row.text('id_build')}", reason=reason))
        return None
    return _with_jobs(row, project, status, tuple(_jobs(jobs)))


def _status(row: Record, jobs: list[Record]) -> BuildStatus | None:
    stated = status_of(row, "conclusion")
    if stated is not None or row.text("status") == "completed":
        return stated
    statuses = [status_of(job, "job_result") for job in jobs]
    known = [status for status in statuses if status is not None]
    return overall(known) if known and len(known) == len(statuses) else None


def _with_jobs(
    row: Record, project: str | None, status: BuildStatus, jobs: tuple[Job, ...]
) -> FinishedBuild:
    queued_at = row.at_required("created_at")
    attempt = row.count("run_attempt_from_api") or 1
    starts = [job.started_at for job in jobs if job.started_at]
    if attempt > 1 and starts:
        queued_at = max(queued_at, min(starts))
    build = QueuedBuild(
        project=project or row.required("repo"),
        pipeline=row.text("workflow_name") or row.required("workflow_id"),
        external_id=row.required("id_build"),
        attempt=attempt,
        queued_at=queued_at,
        trigger=row.text("workflow_event_trigger"),
        change=Change(
            commit=row.text("commit_sha"),
            author=row.text("issuer_name"),
            branch=row.text("branch"),
            totals=_totals(row),
        ),
    )
    otherwise = row.at_required("updated_at")
    outcome = outcome_of(status, jobs, queued_at=queued_at, otherwise=otherwise, where=row.where)
    return FinishedBuild(build=build, outcome=outcome)


def _jobs(records: list[Record]) -> Iterator[Job]:
    for record in records:
        status = status_of(record, "job_result")
        if status is not None:
            ran = status is not BuildStatus.SKIPPED
            started_at, finished_at = record.span("job_start", "job_end") if ran else (None, None)
            yield Job(
                name=record.text("job_name", WORD),
                status=status,
                started_at=started_at,
                finished_at=finished_at,
                steps=tuple(_steps(record)),
            )


def _steps(job: Record) -> Iterator[Step]:
    for record in job.records("steps"):
        status = status_of(record, "step_conclusion")
        if status is not None:
            ran = status is not BuildStatus.SKIPPED
            started_at, finished_at = record.span("step_start", "step_end") if ran else (None, None)
            yield Step(
                name=record.text("step_name", WORD),
                status=status,
                started_at=started_at,
                finished_at=finished_at,
            )


def _totals(row: Record) -> ChangeTotals:
    """Return the change's size; configuration and dependency files at least one a file type."""
    extensions = _extensions(row)
    others = row.count("gh_other_files") > 0
    config_files = sum(kind(f"f{one}") is PathKind.CONFIG for one in extensions) if others else 0
    return mined_totals(row, extensions=extensions, config_files=config_files)


def _extensions(row: Record) -> tuple[str, ...]:
    """Return the file types; a rename `{a => b.ts}` leaves its brace on them."""
    try:
        listed = ast.literal_eval(row.text("file_types") or "[]")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        row.bad("file_types", "a list such as ['.py', '.md']")
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        row.bad("file_types", "a list such as ['.py', '.md']")
    found = {one.rstrip("}").lower()[:WORD] for one in listed}
    if row.count("dockerfile_changed"):
        found.add("Dockerfile")
    return tuple(sorted(found - {""}))
