"""GHAminer's feature tables: one GitHub run a row, in order of time, without any timestamp.

The research sets of build duration and outcome come in this form. `secs_since_prev` is the gap to
the run before and `hour`, `dow` and `month` (UTC, Monday is 0) place each run in a year, so the
clock is rebuilt: the table begins at the second with which most of its runs agree.

Branch, author and trigger are codes. `branch` is a class (0 a fix, 1 the main branch, 2 any
other), so two runs with the same code need not share a branch. File types are one column each
(`ft___py_`), named after a printed list; two columns may have one name, and then both count.

Left out on purpose, because they were looked up afterwards or repeat the outcome: `gh_is_pr`,
`gh_description_complexity`, `gh_num_pr_comments`, `tests_ran`, `total_jobs`, `total_builds`,
`build_duration_original`, `run_attempt_from_api`, `fixed_with_api`. Published lags and windows
are left out too: they look at runs that had not finished. The history gives honest ones.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import accumulate, pairwise
from operator import itemgetter
from pathlib import Path

from devmind.ci import (
    BuildOutcome,
    BuildStatus,
    Change,
    ChangeTotals,
    FinishedBuild,
    QueuedBuild,
)
from devmind.errors import UnreadableSource
from devmind.readers.ghaminer_sizes import mined_totals
from devmind.readers.github_words import status_of
from devmind.readers.records import Record
from devmind.readers.source import Skipped, Source, in_order
from devmind.readers.tables import count_lines, read_table

COLUMNS = frozenset(
    "branch workflow_event_trigger issuer_name workflow_id build_duration gh_files_added"
    " gh_files_deleted gh_files_modified gh_lines_added gh_lines_deleted gh_test_churn"
    " gh_src_churn gh_doc_files hour dow month secs_since_prev".split()
)
"""The columns that a table must have; `conclusion` and file types are read where they are."""

BRANCHES = ("fix", "main", "other")
FIRST_YEAR = 2019
LAST_YEAR = 2025
"""A table lies within these years; of several that fit equally well it is the last."""

Clock = tuple[int, int, int]
"""Hour, weekday and month."""

_NAME = re.compile(r"_processed.*$")
_FILE_TYPE = re.compile(r"^ft_{2,}(?P<word>.*?)_*(dup\d+)?$")
_CONFIG = frozenset({".yml", ".yaml", ".toml", ".ini", ".cfg", ".properties", ".json", ".xml"})
_HOUR_S = 3600.0
_SAMPLE, _LIKELY = 200, 8
_END = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)
_LONGEST_S = 10 * 366 * 86_400.0
_UNMARKED = frozenset({"", "0", "0.0"})


def open_ghaminer(path: Path, project: str | None = None) -> Source:
    """Open one table.

    Args:
        path: The CSV file.
        project: The project's name; by default the file's, up to `_processed`.
    """
    name = project or _NAME.sub("", path.stem)

    def read(skipped: list[Skipped]) -> Iterator[FinishedBuild]:
        rows = list(read_table(path, needs=COLUMNS))
        parts = zip(rows, times(rows), _marks(path), strict=True)
        found = (_finished(row, at, marks, name, skipped) for row, at, marks in parts)
        return in_order([build for build in found if build])

    return Source(kind="ghaminer", path=path, read=read, estimate=count_lines(path))


def times(rows: list[Record]) -> list[datetime]:
    """Rebuild when each of *rows* was queued, in UTC.

    Raises:
        UnreadableSource: If the first row's hour, weekday and month are no moment of the years
            in question, or the gaps are longer than those years.
    """
    if not rows:
        return []
    since = list(accumulate((row.number("secs_since_prev") for row in rows[1:]), initial=0.0))
    clock = [(row.count("hour"), row.count("dow"), row.count("month")) for row in rows]
    hours = [hour for hour in _hours(clock[0]) if hour * _HOUR_S + since[-1] < _END.timestamp()]
    if not hours:
        what = "hour {}, dow {}, month {}".format(*clock[0])
        reason = f"no moment with {what} is {since[-1]:.0f} s before {_END.year}"
        raise UnreadableSource(rows[0].where, reason, "Get the file again.")
    told = [(*divmod(seconds, _HOUR_S), row) for seconds, row in zip(since, clock, strict=True)]
    some = told[:: max(1, len(told) // _SAMPLE)]
    likely = sorted(hours, key=lambda hour: (_begin(hour, some)[0], hour))[-_LIKELY:]
    _, begin = max(_begin(hour, told) for hour in likely)
    first = datetime.fromtimestamp(begin, UTC)
    return [first + timedelta(seconds=seconds) for seconds in since]


def _hours(clock: Clock) -> Iterator[int]:
    """Yield the hours since 1970 that a row with *clock* may stand for."""
    hour, weekday, month = clock
    if not (hour < 24 and 1 <= month <= 12):  # noqa: PLR2004 - hours of a day, months of a year
        return
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        for day in range(31):
            at = datetime(year, month, 1, hour, tzinfo=UTC) + timedelta(days=day)
            if (at.weekday(), at.month) == (weekday, month):
                yield int(at.timestamp() / _HOUR_S)


def _begin(hour: int, told: list[tuple[float, float, Clock]]) -> tuple[int, int]:
    """Return how many rows agree with a table that begins within *hour*, and that second.

    A row *s* seconds after the first is in one hour if the table begins before second
    3600 - s % 3600, and in the next hour if not: each row votes for one side of that second.

    Args:
        hour: Hours since 1970.
        told: Whole hours and remaining seconds since the first row, and the row's own clock.
    """
    agree, turns = 0, [(0.0, 0)]
    for hours, rest, clock in told:
        early, late = (clock == _clock(hour + int(hours) + next_) for next_ in (0, 1))
        agree += early
        turns.append((_HOUR_S - rest, late - early))
    best = (-1, 0.0)
    for (start, change), (end, _) in pairwise([*sorted(turns), (_HOUR_S, 0)]):
        agree += change
        if start < end:
            best = max(best, (agree, (start + end) / 2), key=itemgetter(0))
    return best[0], int(hour * _HOUR_S + best[1])


@lru_cache(maxsize=2**17)
def _clock(hour: int) -> Clock:
    at = datetime.fromtimestamp(hour * _HOUR_S, UTC)
    return at.hour, at.weekday(), at.month


def _marks(path: Path) -> Iterator[list[tuple[str, str]]]:
    """Yield the file types of each row with what stands there.

    Tables come with two columns of one name, of which a row read by names keeps the last.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = (row for row in csv.reader(file, strict=True) if row)
        columns = [(i, name) for i, name in enumerate(next(rows, ())) if name.startswith("ft_")]
        for row in rows:
            yield [(name, row[i]) for i, name in columns if row[i] not in _UNMARKED]


def _finished(
    row: Record,
    queued_at: datetime,
    marks: list[tuple[str, str]],
    project: str,
    skipped: list[Skipped],
) -> FinishedBuild | None:
    status = status_of(row, "conclusion") if row.has("conclusion") else BuildStatus.PASSED
    if status is None:
        skipped.append(Skipped(record=row.where, reason="it has no conclusion"))
        return None
    build = QueuedBuild(
        project=project,
        pipeline=row.required("workflow_id"),
        external_id=row.where.rpartition(":")[2],
        queued_at=queued_at,
        trigger=f"trigger-{row.count('workflow_event_trigger')}",
        change=Change(
            author=f"author-{row.count('issuer_name')}",
            branch=_branch(row),
            totals=_totals(row, _extensions(row, marks)),
        ),
    )
    duration_s = row.number("build_duration")
    if duration_s > _LONGEST_S:
        row.bad("build_duration", "the seconds of a build")
    finished_at = queued_at + timedelta(seconds=duration_s)
    return FinishedBuild(build=build, outcome=BuildOutcome(status=status, finished_at=finished_at))


def _branch(row: Record) -> str:
    code = row.count("branch")
    return BRANCHES[code] if code < len(BRANCHES) else row.bad("branch", "0, 1 or 2")


def _totals(row: Record, extensions: tuple[str, ...]) -> ChangeTotals:
    docker = row.count("dockerfile_changed") + row.count("docker_compose_changed")
    config_files = docker + len(_CONFIG.intersection(extensions))
    return mined_totals(row, extensions=extensions, config_files=config_files)


def _extensions(row: Record, marks: list[tuple[str, str]]) -> tuple[str, ...]:
    there = (name for name, text in marks if Record({name: text}, row.where).number(name))
    found = (_FILE_TYPE.match(name) for name in there)
    return tuple(sorted({f".{one['word'].lower()}" for one in found if one and one["word"]}))
