"""LRTS: Jenkins test-suite runs of pull requests, one row a stage.

A project folder holds `training_builds.csv` and `testing_builds.csv` (the authors' split, read as
one), `change_stats.csv` lies in it or beside it. All stages of a build have one row each and
become its jobs; a stage failed if test methods or classes failed in it. `build_timestamp` is
epoch seconds, `build_duration` seconds.

| the build                                  | `BuildStatus` |
|--------------------------------------------|---------------|
| any test failed (`failcount`, any stage)   | failed        |
| FAILURE, UNSTABLE                          | failed        |
| SUCCESS                                    | passed        |
| ABORTED, NOT_BUILT (no test had failed)    | canceled      |

The data set's own protocol asks of each stage whether a test class fails in it. By that reading
(`lrts-stages`) every stage is a build of a pipeline of its own, known when the build has ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devmind.ci import (
    BuildOutcome,
    BuildStatus,
    Change,
    ChangeTotals,
    FinishedBuild,
    Job,
    QueuedBuild,
)
from devmind.errors import UnreadableSource
from devmind.readers.records import Record
from devmind.readers.source import Skipped, Source, in_order
from devmind.readers.tables import count_distinct, count_lines, read_table

BUILD_FILES = ("training_builds.csv", "testing_builds.csv")
CHANGE_FILE = "change_stats.csv"
PIPELINE = "jenkins"

COLUMNS = frozenset(
    "project pr_name pr_base_branch build_id build_duration build_timestamp build_result"
    " build_head_sha failcount stage_id num_fail_class num_fail_method".split()
)
"""The columns of a file of builds that are read."""

_CHANGE_COLUMNS = frozenset(
    "project pr_name build_id num_changed_files num_addition num_deletion".split()
)
_RESULTS = {
    "SUCCESS": BuildStatus.PASSED,
    "FAILURE": BuildStatus.FAILED,
    "UNSTABLE": BuildStatus.FAILED,
    "ABORTED": BuildStatus.CANCELED,
    "NOT_BUILT": BuildStatus.CANCELED,
}
_OF_THE_BUILD = ("build_timestamp", "build_duration", "build_result", "build_head_sha")
_LATEST_S = 4_102_444_800  # the year 2100: no build ran later, and milliseconds would

_Key = tuple[str, str]


def open_lrts(path: Path, project: str | None = None, *, by_stage: bool = False) -> Source:
    """Open a project folder.

    Args:
        path: The folder with the builds.
        project: The project's name; by default the `project` of each row.
        by_stage: Whether each stage is a build of its own, failed if test classes failed in it.

    Raises:
        UnreadableSource: If it holds no file of builds.
    """
    files = [path / name for name in BUILD_FILES if (path / name).is_file()]
    if not files:
        advice = f"Give the folder that holds {' or '.join(BUILD_FILES)}."
        raise UnreadableSource(str(path), "no LRTS builds in it", advice)

    def read(skipped: list[Skipped]) -> Iterator[FinishedBuild]:
        return in_order(list(_builds(files, _totals(path), project, skipped, by_stage=by_stage)))

    if by_stage:
        estimate = sum(count_lines(file) for file in files)
    else:
        estimate = sum(count_distinct(file, ("pr_name", "build_id")) for file in files)
    kind = "lrts-stages" if by_stage else "lrts"
    return Source(kind=kind, path=path, read=read, estimate=estimate)


def _builds(
    files: list[Path],
    totals: dict[tuple[str, _Key], ChangeTotals],
    project: str | None,
    skipped: list[Skipped],
    *,
    by_stage: bool,
) -> Iterator[FinishedBuild]:
    stages: dict[tuple[str, _Key], list[Record]] = {}
    for file in files:
        for row in read_table(file, needs=COLUMNS):
            key = _key(row)
            if not row.text("build_timestamp") or not row.text("build_result"):
                skipped.append(Skipped(record=row.where, reason="it has no time or no result"))
            else:
                _check_same_build(stages.setdefault(key, []), row)
                stages[key].append(row)
    for key, rows in stages.items():
        if by_stage:
            yield from (_stage(row, totals.get(key), project or key[0]) for row in rows)
        else:
            yield _finished(rows, totals.get(key), project or key[0])


def _key(row: Record) -> tuple[str, _Key]:
    return row.required("project"), (row.required("pr_name"), row.required("build_id"))


def _check_same_build(known: list[Record], row: Record) -> None:
    for field in _OF_THE_BUILD if known else ():
        if known[0].text(field) != row.text(field):
            row.bad(field, f"{known[0].text(field)!r} as in {known[0].where}, the same build")


def _finished(rows: list[Record], totals: ChangeTotals | None, project: str) -> FinishedBuild:
    build = _queued(rows[0], PIPELINE, totals, project)
    jobs = tuple(_job(row) for row in rows)
    outcome = BuildOutcome(status=_status(rows), finished_at=_end(build, rows[0]), jobs=jobs)
    return FinishedBuild(build=build, outcome=outcome)


def _stage(row: Record, totals: ChangeTotals | None, project: str) -> FinishedBuild:
    build = _queued(row, f"{PIPELINE}/{row.required('stage_id')}", totals, project)
    failed = row.count("num_fail_class") > 0
    status = BuildStatus.FAILED if failed else BuildStatus.PASSED
    outcome = BuildOutcome(status=status, finished_at=_end(build, row))
    return FinishedBuild(build=build, outcome=outcome)


def _end(build: QueuedBuild, row: Record) -> datetime:
    duration_s = row.number("build_duration")
    if duration_s > _LATEST_S:
        row.bad("build_duration", "seconds")
    return build.queued_at + timedelta(seconds=duration_s)


def _queued(row: Record, pipeline: str, totals: ChangeTotals | None, project: str) -> QueuedBuild:
    seconds = row.number("build_timestamp")
    if seconds > _LATEST_S:
        row.bad("build_timestamp", "epoch seconds")
    pull_request = row.text("pr_name")
    return QueuedBuild(
        project=project,
        pipeline=pipeline,
        external_id=f"{pull_request}#{row.text('build_id')}",
        queued_at=datetime.fromtimestamp(seconds, UTC),
        trigger="pull_request",
        change=Change(
            commit=row.text("build_head_sha"),
            branch=pull_request,
            base=row.text("pr_base_branch"),
            pull_request=pull_request,
            totals=totals,
        ),
    )


def _status(rows: list[Record]) -> BuildStatus:
    if any(row.count("failcount") or _stage_failed(row) for row in rows):
        return BuildStatus.FAILED
    result = rows[0].text("build_result")
    if result not in _RESULTS:
        rows[0].bad("build_result", f"one of {', '.join(_RESULTS)}")
    return _RESULTS[result]


def _job(row: Record) -> Job:
    status = BuildStatus.FAILED if _stage_failed(row) else BuildStatus.PASSED
    return Job(name=row.required("stage_id"), status=status)


def _stage_failed(row: Record) -> bool:
    return row.count("num_fail_class") > 0 or row.count("num_fail_method") > 0


def _totals(folder: Path) -> dict[tuple[str, _Key], ChangeTotals]:
    for file in (folder / CHANGE_FILE, folder.parent / CHANGE_FILE):
        if file.is_file():
            return {
                _key(row): ChangeTotals(
                    files_modified=row.count("num_changed_files"),
                    lines_added=row.count("num_addition"),
                    lines_deleted=row.count("num_deletion"),
                )
                for row in read_table(file, needs=_CHANGE_COLUMNS)
            }
    return {}
