"""When the runs of a table were queued, which it does not say."""

import csv
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmind.errors import UnreadableSource
from devmind.readers import open_source
from devmind.readers.ghaminer import times
from devmind.readers.records import Record
from tests.readers.test_ghaminer import read


@pytest.fixture(name="table")
def _table(tmp_path):
    return tmp_path / "shop_processed.csv"


def clocked(at):
    """Return the clock columns of a row at *at*."""
    return {"hour": str(at.hour), "dow": str(at.weekday()), "month": str(at.month)}


starts = st.datetimes(
    min_value=datetime(2019, 1, 1), max_value=datetime(2024, 6, 1)  # noqa: DTZ001 - made aware
).map(lambda at: at.replace(microsecond=0, tzinfo=UTC))


@given(starts, st.lists(st.integers(0, 60_000), min_size=1, max_size=30))
def test_the_clock_fits_every_row(start, gaps):
    """
    Whatever the gaps, the rebuilt times have the hours, weekdays, months and gaps of the table.
    """
    known = [start]
    for gap in gaps:
        known.append(known[-1] + timedelta(seconds=gap))
    rows = [
        Record(clocked(at) | {"secs_since_prev": str(float(gap))}, f"row {i}")
        for i, (at, gap) in enumerate(zip(known, [0, *gaps], strict=True))
    ]

    rebuilt = times(rows)

    assert [clocked(at) for at in rebuilt] == [clocked(at) for at in known]
    assert [at - rebuilt[0] for at in rebuilt] == [at - known[0] for at in known]


@pytest.mark.parametrize("year", [2020, 2022, 2024])
def test_a_long_table_is_placed_to_the_minute(year):
    """
    With hundreds of runs over months, the year and the minute are those in which it began.
    """
    random = Random(year)
    known = [datetime(year, 2, 27, 22, 41, 7, tzinfo=UTC)]
    for _ in range(600):
        known.append(known[-1] + timedelta(seconds=random.randint(0, 60_000)))
    gaps = [5.0, *((now - before).total_seconds() for before, now in pairwise(known))]
    rows = [
        Record(clocked(at) | {"secs_since_prev": str(gap)}, "row")
        for at, gap in zip(known, gaps, strict=True)
    ]

    first = times(rows)[0]

    assert abs((first - known[0]).total_seconds()) < 60


def test_a_wrong_clock_in_some_rows_is_outvoted(table):
    """
    Rows whose hour is not that of their gap do not move the others.
    """
    start = datetime(2024, 3, 4, 10, 30, tzinfo=UTC)
    known = [start + timedelta(seconds=4_000 * i) for i in range(200)]
    rows = [clocked(at) | {"secs_since_prev": "4000"} for at in known]
    for row in rows[5::40]:
        row["hour"] = "99"

    builds = read(table, *rows)

    agree = sum(
        clocked(one.build.queued_at) == clocked(at) for one, at in zip(builds, known, strict=True)
    )
    assert agree == 200


@pytest.mark.parametrize("clock", [{"hour": "24"}, {"dow": "7"}, {"month": "0"}, {"month": "13"}])
def test_no_moment_at_all_is_refused(table, clock):
    """
    A first row at no hour, weekday or month there is cannot be placed in time.
    """
    with pytest.raises(UnreadableSource, match="no moment with"):
        read(table, clock)


def test_real_hours_are_those_of_the_table(ci_data):
    """
    The clock of a real table, rebuilt from gaps, is right in every row.
    """
    path = ci_data / "github-actions/success_only/bruce_processed.csv"
    with path.open(newline="") as file:
        stated = [
            [int(row[name]) for name in ("hour", "dow", "month")] for row in csv.DictReader(file)
        ]

    at = [one.build.queued_at for one in open_source(path).builds()]

    assert [[one.hour, one.weekday(), one.month] for one in at] == stated
