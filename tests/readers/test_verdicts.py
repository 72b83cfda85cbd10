from collections import Counter
from datetime import datetime
from itertools import pairwise

import pytest

from devmind.ci import TestRun, Verdict
from devmind.errors import UnreadableSource
from devmind.events import Finished, Queued, in_order_of_time
from devmind.readers import open_source

HEADER = "Id;Name;Duration;CalcPrio;LastRun;LastResults;Verdict;Cycle\n"
TABLE = (
    HEADER
    + "1;b;57262;0;2015-02-13 16:13:00;[];1;1\n"
    + "2;a;2000;0;2015-02-13 16:13:00;[];0;1\n"
    + "3;b;57262;0;2015-02-13 16:17:00;[1];0;1\n"
    + "4;a;4000;0;2015-02-13 16:17:00;[0];0;2\n"
)


@pytest.fixture(name="path")
def _path(tmp_path):
    return tmp_path / "robots.csv"


def read(path, text):
    path.write_text(text)
    return list(open_source(path).builds())


def test_a_cycle_is_a_build(path):
    """
    Each cycle is one build with one report: 1 is a failure, repeated rows are attempts, in the
    order of names, and milliseconds become seconds.
    """
    first, second = read(path, TABLE)

    assert (
        first.build.project,
        first.build.pipeline,
        first.build.external_id,
    ) == ("robots", "tests", "1")
    assert first.reports[0].runs == (
        TestRun(name="a", verdict=Verdict.PASSED, duration_s=2.0),
        TestRun(name="b", verdict=Verdict.FAILED, duration_s=57.262),
        TestRun(name="b", verdict=Verdict.PASSED, duration_s=57.262, attempt=2),
    )
    assert [str(b.outcome.status) for b in (first, second)] == ["failed", "passed"]


def test_times_are_strictly_ordered_by_cycle(path):
    """
    A cycle is queued at its first run, but never before the cycle before it has finished.
    """
    first, second = read(path, TABLE)

    ended = datetime.fromisoformat("2015-02-13T16:17:57.262+00:00")
    assert datetime.fromisoformat("2015-02-13T16:13:00+00:00") == first.build.queued_at
    assert ended == first.outcome.finished_at
    assert ended == second.build.queued_at
    assert second.build.queued_at < second.outcome.finished_at


def test_a_pipeline_is_a_build_where_the_table_has_them(path):
    """
    Where a table names pipelines within its cycles, each of them is a build; seconds stay.
    """
    text = (
        "Id;Name;BuildId;Duration;CalcPrio;LastRun;Verdict;Cycle;LastResults\n"
        "1;a;1;0.5;0;2020-07-24 04:45:01.571;0;1;[]\n"
        "2;a;2;0.5;0;2020-07-24 08:45:01.571;1;1;[]\n"
    )

    builds = read(path, text)

    assert [one.build.external_id for one in builds] == ["1", "2"]
    assert builds[0].reports[0].runs[0].duration_s == 0.5


def test_only_names_verdicts_durations_and_times_are_read(path):
    """
    LastResults, CalcPrio and the order of rows tell verdicts, and change nothing.
    """
    lines = TABLE.splitlines(keepends=True)
    blind = "".join([lines[0], lines[2], lines[1], *lines[3:]]).replace(";[1];", ";[];")

    assert read(path, TABLE) == read(path, blind.replace(";0;2015", ";7;2015"))


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        (";1;1\n", ";2;1\n", "Verdict is '2', not 0 (passed) or 1 (failed)"),
        (";57262;", ";fast;", "Duration is 'fast'"),
        (";57262;", ";-1;", "Duration is '-1'"),
        ("2015-02-13 16:13:00", "13.2.2015", "LastRun is '13.2.2015'"),
        (";b;", ";;", "Name is '', not given"),
        (";0;2\n", ";0;zwei\n", "Cycle is 'zwei'"),
        ("Verdict", "Result", "the columns Verdict are missing"),
    ],
)
def test_a_bad_value_is_named(path, old, new, shown):
    """
    A value that cannot be is refused with its file, its line and itself.
    """
    path.write_text(TABLE.replace(old, new))

    with pytest.raises(UnreadableSource) as caught:
        list(open_source(path, kind="verdicts").builds())

    assert shown in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_row_without_a_verdict_is_skipped(path):
    """
    A row that is merely incomplete is left out, and said so.
    """
    path.write_text(TABLE.replace(";0;2\n", ";;2\n"))
    source = open_source(path)

    assert len(list(source.builds())) == 1
    assert [f"{path}:5"] == [one.record for one in source.skipped]


@pytest.mark.parametrize("cut", [3, 6, 20, 45])
def test_a_half_written_file_is_refused(path, cut):
    """
    A file that stops within a row is refused, even where the rest of the row looks whole.
    """
    text = TABLE + "5;a;4000;0;2015-02-14 16:17:00;[0];0;320\n"
    path.write_text(text[:-cut])

    with pytest.raises(UnreadableSource, match=r"robots\.csv"):
        list(open_source(path).builds())


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("iofrol/iofrol.csv", (320, 271, 32_260, 1_941)),
        ("dune/debian_11_gcc-10-20.csv", (290, 95, 35_140, 125)),
    ],
)
def test_real_tables(ci_data, name, known):
    """
    The real tables have the builds, failures, verdicts and tests that are known of them.
    """
    source = open_source(ci_data / name)
    read_back = list(source.builds())

    runs = [run for one in read_back for run in one.reports[0].runs]
    times = [one.build.queued_at for one in read_back]
    statuses = Counter(str(one.outcome.status) for one in read_back)
    tests = {run.name for run in runs}
    assert known == (len(read_back), statuses["failed"], len(runs), len(tests))
    assert len(read_back) == source.estimate
    assert all(a < b for a, b in pairwise(times))
    assert all(one.duration_s < 1_000 for one in runs)


def test_a_cycle_knows_all_cycles_before_it(ci_data):
    """
    When a real cycle is queued, every earlier one has finished.
    """
    running = 0
    for event in in_order_of_time(open_source(ci_data / "iofrol").builds()):
        if isinstance(event, Queued):
            assert running == 0
            running += 1
        elif isinstance(event, Finished):
            running -= 1
