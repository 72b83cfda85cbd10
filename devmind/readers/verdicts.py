"""Verdict tables: the CSV (`;`) of test verdicts that RETECS and its successors use.

One build a cycle, or one a pipeline where the table has a `BuildId` (a cycle of that dialect is
a day with several pipelines). `Verdict` 1 is a failure. Rows of a test within a build are its
attempts, in the order of the file; runs are given in the order of the tests' names, because the
file's order tells which tests failed.

Durations are milliseconds or seconds: the tables do not say. They are milliseconds if all are
whole numbers with a median of at least 1,000, for half of all tests do not take a quarter of an
hour each (iofrol: median 57,046; dune: 0.03, in seconds).

`LastRun` is taken for the start of that very run, in UTC. It tells when the build ran and is
nowhere else: `LastResults` and `CalcPrio` are not read. A build counts as queued at its first
run, but not before the one before it has finished: its history is the earlier builds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from devmind.ci import (
    BuildOutcome,
    BuildStatus,
    FinishedBuild,
    QueuedBuild,
    TestReport,
    TestRun,
    Verdict,
)
from devmind.errors import UnreadableSource
from devmind.readers.records import Record
from devmind.readers.source import Skipped, Source
from devmind.readers.tables import count_distinct, is_cut, read_header, read_table

COLUMNS = frozenset("Name Duration LastRun Verdict Cycle".split())
"""The columns that a verdict table must have."""

PIPELINE = "tests"
DELIMITER = ";"

_PER_BUILD = "BuildId"
_MILLISECONDS_FROM = 1_000
_MOMENT = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class _Row:
    test: str
    failed: bool
    duration: float
    at: datetime


def open_verdicts(path: Path, project: str | None = None) -> Source:
    """Open a verdict table.

    Args:
        path: The CSV file.
        project: The project's name; by default the name of the file.
    """
    header = read_header(path, DELIMITER)
    unit = _PER_BUILD if _PER_BUILD in header else "Cycle"

    def read(skipped: list[Skipped]) -> Iterator[FinishedBuild]:
        builds = _grouped(path, unit, skipped)
        return _builds(builds, project or path.stem)

    estimate = count_distinct(path, (unit,), DELIMITER)
    return Source(kind="verdicts", path=path, read=read, estimate=estimate)


def _grouped(path: Path, unit: str, skipped: list[Skipped]) -> dict[int, list[_Row]]:
    """Return the rows of each build, builds by number."""
    builds: dict[int, list[_Row]] = {}
    number = before = -1
    for record in read_table(path, needs=COLUMNS, delimiter=DELIMITER):
        if not record.text("Verdict"):
            skipped.append(Skipped(record=record.where, reason="it has no verdict"))
            continue
        record.required(unit)
        before, number = number, record.count(unit)
        builds.setdefault(number, []).append(_row(record))
    if before not in (-1, number) and is_cut(path):
        reason = f"it stops within its last line, which says {unit} {number} after {before}"
        raise UnreadableSource(str(path), reason, "End the last line, or get the file again.")
    return dict(sorted(builds.items()))


def _row(record: Record) -> _Row:
    verdict = record.count("Verdict")
    if verdict > 1:
        record.bad("Verdict", "0 (passed) or 1 (failed)")
    return _Row(
        test=record.required("Name"),
        failed=verdict == 1,
        duration=record.number("Duration"),
        at=record.at_required("LastRun", zone=UTC),
    )


def _builds(builds: dict[int, list[_Row]], project: str) -> Iterator[FinishedBuild]:
    second = _units_per_second([row.duration for rows in builds.values() for row in rows])
    free_at = datetime.min.replace(tzinfo=UTC)
    for number, rows in builds.items():
        queued_at = max(free_at, min(row.at for row in rows))
        ends = [row.at + timedelta(seconds=row.duration / second) for row in rows]
        free_at = max(*ends, queued_at + _MOMENT)
        runs = tuple(_runs(rows, second))
        failed = any(run.verdict.failing for run in runs)
        yield FinishedBuild(
            build=QueuedBuild(
                project=project, pipeline=PIPELINE, external_id=str(number), queued_at=queued_at
            ),
            outcome=BuildOutcome(
                status=BuildStatus.FAILED if failed else BuildStatus.PASSED,
                started_at=queued_at,
                finished_at=free_at,
            ),
            reports=(TestReport(runs=runs),),
        )


def _units_per_second(durations: list[float]) -> int:
    whole = all(duration.is_integer() for duration in durations)
    return 1000 if durations and whole and median(durations) >= _MILLISECONDS_FROM else 1


def _runs(rows: list[_Row], second: int) -> Iterator[TestRun]:
    attempts: Counter[str] = Counter()
    for row in sorted(rows, key=lambda row: row.test):
        attempts[row.test] += 1
        yield TestRun(
            name=row.test,
            verdict=Verdict.FAILED if row.failed else Verdict.PASSED,
            duration_s=row.duration / second,
            attempt=attempts[row.test],
        )
