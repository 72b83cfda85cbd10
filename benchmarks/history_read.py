"""Read test verdicts back: the history's reports as columns, beside a row a verdict in SQLite.

`python -m benchmarks.history_read` writes 1,000 builds of 1,000 verdicts to both, reads all of
them back into arrays, prints the table and writes it to `benchmarks/results/history_read.md`.
"""

from __future__ import annotations

import platform
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import numpy as np
import typer

from devmind.ci import (
    BuildOutcome,
    BuildStatus,
    QueuedBuild,
    TestReport,
    TestRun,
)
from devmind.events import Event, Finished, Queued, Reported
from history.events import VERDICTS, TestsReported
from history.open import open_history

RESULT = Path(__file__).with_name("results") / "history_read.md"
GOAL_S = 2.0
_PROJECT = "benchmark"
_REPEATS = 3
_FAILING_SHARE = 0.01
_HEAD = """\
| way | append, builds/s | append, verdicts/s | read, s | read, verdicts/s | MiB on disk |
|---|--:|--:|--:|--:|--:|"""
_ROWS = """
CREATE TABLE runs (build TEXT, test TEXT, verdict INTEGER, duration_s REAL, attempt INTEGER);
CREATE INDEX runs_by_build ON runs (build);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one way of storing verdicts costs."""

    way: str
    append_s: float
    read_s: float
    size_bytes: int | None
    verdicts: int


def main(
    builds: Annotated[int, typer.Option(min=1)] = 1_000,
    verdicts: Annotated[int, typer.Option(min=1)] = 1_000,
    database_url: Annotated[str | None, typer.Option(help="By default an SQLite file.")] = None,
    seed: int = 7,
) -> None:
    """Measure, print the table and write it down."""
    with tempfile.TemporaryDirectory() as folder:
        url = database_url or f"sqlite:///{folder}/history.db"
        columns = measure_history(url, list(stories(builds, verdicts, seed)), verdicts)
        rows = measure_rows(Path(folder) / "rows.db", list(stories(builds, verdicts, seed)))
    text = table(columns, rows, builds, verdicts)
    print(text)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text)


def stories(builds: int, verdicts: int, seed: int) -> Iterator[list[Event]]:
    """Make the events of each build: queued, its test report, finished."""
    random = np.random.default_rng(seed)
    names = [
        f"tests/unit/module_{n // 40}/test_case_{n % 40}.py::test_{n}" for n in range(verdicts)
    ]
    usual_s = random.lognormal(-2, 1.5, verdicts)
    for number in range(builds):
        queued_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * number)
        build = QueuedBuild(
            project=_PROJECT, pipeline="ci.yml", external_id=str(number), queued_at=queued_at
        )
        codes = np.where(random.random(verdicts) < _FAILING_SHARE, 1, 0)
        durations_s = (usual_s * random.lognormal(0, 0.2, verdicts)).round(3)
        runs = (
            TestRun(name=name, verdict=VERDICTS[code], duration_s=duration_s)
            for name, code, duration_s in zip(names, codes, durations_s.tolist(), strict=True)
        )
        ended = BuildOutcome(
            status=BuildStatus.PASSED, finished_at=queued_at + timedelta(minutes=9)
        )
        yield [
            Queued(build=build),
            Reported(build_id=build.build_id, report=TestReport(runs=tuple(runs))),
            Finished(build_id=build.build_id, outcome=ended),
        ]


def measure_history(url: str, told: list[list[Event]], verdicts: int) -> Measured:
    """Append each build by itself, durably, and read all of them back by `HistoryStore.read`."""
    with open_history(url) as store:
        append_s = _seconds(lambda: [store.append(_PROJECT, events) for events in told])

        def read() -> int:
            reports = (e for e in store.read(_PROJECT) if isinstance(e, TestsReported))
            return sum(len(report.verdicts) for report in reports)

        read_s, found = _best(read)
        whole = len(told) * verdicts
        if found != whole:
            raise SystemExit(f"wrote {whole} verdicts, read {found}; is the database empty?")
    return Measured(
        way=f"history ({urlsplit(url).scheme.partition('+')[0]})",
        append_s=append_s,
        read_s=read_s,
        size_bytes=_size(url),
        verdicts=found,
    )


def measure_rows(path: Path, told: list[list[Event]]) -> Measured:
    """Do the same with a plain table of one row a verdict."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {_ROWS}")
        append_s = _seconds(lambda: _append_rows(connection, told))
        read_s, found = _best(lambda: _read_rows(connection))
    return Measured(
        way="a row a verdict (sqlite)",
        append_s=append_s,
        read_s=read_s,
        size_bytes=path.stat().st_size,
        verdicts=found,
    )


def table(columns: Measured, rows: Measured, builds: int, verdicts: int) -> str:
    """Lay the measurements out as Markdown, with date and machine."""
    made = (
        f"{builds:,} builds of {verdicts:,} verdicts, each build appended durably by itself;"
        f" best of {_REPEATS} reads."
    )
    where = (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, Python {platform.python_version()}."
    )
    compared = (
        f"Reading is {rows.read_s / columns.read_s:.1f} times as fast as a row a verdict"
        f"{_smaller(columns, rows)}."
    )
    goal = f"Goal: under {GOAL_S:.0f} s for 1,000 builds of 1,000 verdicts."
    body = "\n".join(_row(one, builds) for one in (columns, rows))
    return f"# Reading verdicts back\n\n{made}\n{where}\n\n{_HEAD}\n{body}\n\n{compared}\n{goal}\n"


def _row(one: Measured, builds: int) -> str:
    size = "not measured" if one.size_bytes is None else f"{one.size_bytes / 2**20:.1f}"
    return (
        f"| {one.way} | {builds / one.append_s:,.0f} | {one.verdicts / one.append_s:,.0f}"
        f" | {one.read_s:.2f} | {one.verdicts / one.read_s:,.0f} | {size} |"
    )


def _smaller(columns: Measured, rows: Measured) -> str:
    if columns.size_bytes is None or rows.size_bytes is None:
        return ""
    return f", and takes {rows.size_bytes / columns.size_bytes:.1f} times less space"


def _append_rows(connection: sqlite3.Connection, told: list[list[Event]]) -> None:
    code = {verdict: number for number, verdict in enumerate(VERDICTS)}
    for events in told:
        for event in events:
            if isinstance(event, Reported):
                connection.executemany(
                    "INSERT INTO runs VALUES (?, ?, ?, ?, ?)",
                    (
                        (event.build_id, run.name, code[run.verdict], run.duration_s, run.attempt)
                        for run in event.report.runs
                    ),
                )
        connection.commit()


def _read_rows(connection: sqlite3.Connection) -> int:
    numbers: dict[str, int] = {}
    rows = connection.execute("SELECT test, verdict, duration_s, attempt FROM runs ORDER BY rowid")
    found = [
        (numbers.setdefault(test, len(numbers)), verdict, duration_s, attempt)
        for test, verdict, duration_s, attempt in rows
    ]
    return len(np.array(found, dtype=np.float64))


def _best(read: Callable[[], int]) -> tuple[float, int]:
    times: list[float] = []
    found = 0
    for _ in range(_REPEATS):
        start = time.perf_counter()
        found = read()
        times.append(time.perf_counter() - start)
    return min(times), found


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _size(url: str) -> int | None:
    path = Path(url.removeprefix("sqlite:///"))
    return path.stat().st_size if path.is_file() else None


if __name__ == "__main__":
    typer.run(main)
