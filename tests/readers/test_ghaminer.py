import csv
from collections import Counter
from datetime import timedelta

import pytest

from devmind.ci import BuildStatus, ChangeTotals
from devmind.errors import UnreadableSource
from devmind.readers import open_source
from devmind.readers.ghaminer import COLUMNS, open_ghaminer

LEAKING = (
    "gh_is_pr gh_description_complexity gh_num_pr_comments tests_ran total_jobs total_builds"
    " build_duration_original run_attempt_from_api fixed_with_api duration_lag_1 duration_lag_7"
    " window_avg_7 window_std_3"
).split()

ROW = {
    "branch": "2",
    "conclusion": "success",
    "workflow_event_trigger": "1",
    "issuer_name": "7",
    "workflow_id": "6192976",
    "build_duration": "131.0",
    "gh_files_added": "1",
    "gh_files_deleted": "2",
    "gh_files_modified": "6",
    "gh_lines_added": "64",
    "gh_lines_deleted": "58",
    "gh_test_churn": "5",
    "gh_src_churn": "122",
    "gh_doc_files": "3",
    "dockerfile_changed": "0",
    "docker_compose_changed": "0",
    "hour": "13",
    "dow": "3",
    "month": "10",
    "secs_since_prev": "78678.0",
    **dict.fromkeys(LEAKING, "0"),
}


def write(path, *rows, drop=(), extra=()):
    """Write rows; *extra* are columns at the end, (name, values by row), names may repeat."""
    header = [name for name in ROW if name not in drop]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*header, *(name for name, _ in extra)])
        for i, row in enumerate(rows):
            whole = ROW | row
            writer.writerow([*(whole[name] for name in header), *(v[i] for _, v in extra)])
    return path


@pytest.fixture(name="table")
def _table(tmp_path):
    return tmp_path / "ccpay_wf6192976_processed_2025.csv"


def read(table, *rows, **columns):
    return list(open_source(write(table, *rows, **columns)).builds())


def test_a_row_is_a_build(table):
    """
    A row is a build with its codes as names, its sizes, and a duration from its own queueing.
    """
    [one] = read(table, {})

    build, outcome = one.build, one.outcome
    assert (build.project, build.pipeline, build.external_id) == ("ccpay_wf6192976", "6192976", "2")
    assert (build.trigger, build.change.author, build.change.branch) == (
        "trigger-1",
        "author-7",
        "other",
    )
    assert (build.queued_at.hour, build.queued_at.weekday(), build.queued_at.month) == (13, 3, 10)
    assert (outcome.status, outcome.duration_s(build.queued_at)) == (BuildStatus.PASSED, 131)
    assert build.change.totals == ChangeTotals(
        files_added=1,
        files_deleted=2,
        files_modified=6,
        lines_added=64,
        lines_deleted=58,
        test_lines=5,
        source_lines=122,
        doc_files=3,
    )


@pytest.mark.parametrize(("code", "branch"), [("0", "fix"), ("1", "main"), ("2.0", "other")])
def test_branches_are_classes(table, code, branch):
    """
    A branch's code is its class: a fix, the main branch, or another.
    """
    [one] = read(table, {"branch": code})

    assert one.build.change.branch == branch


@pytest.mark.parametrize(
    ("word", "status"),
    [("success", "passed"), ("failure", "failed"), ("cancelled", "canceled")],
)
def test_conclusions(table, word, status):
    """
    A conclusion is GitHub's word.
    """
    [one] = read(table, {"conclusion": word})

    assert one.outcome.status == status


def test_without_a_conclusion_column_every_run_succeeded(table):
    """
    The tables of durations hold successful runs only and have no conclusion.
    """
    [one] = read(table, {}, drop=("conclusion",))

    assert one.outcome.status == BuildStatus.PASSED


def test_an_empty_conclusion_is_left_out_and_told(table):
    """
    A run that has not ended is no build; it is named with its line, and others keep their times.
    """
    source = open_source(write(table, {}, {"conclusion": ""}, {}))

    first, last = source.builds()

    assert [skipped.record.rpartition(":")[2] for skipped in source.skipped] == ["3"]
    assert last.build.queued_at - first.build.queued_at == timedelta(seconds=2 * 78_678)


@pytest.mark.parametrize(
    ("column", "extension"),
    [
        ("ft___bat_", ".bat"),
        ("ft____cpp__", ".cpp"),
        ("ft___jpg____dup1", ".jpg"),
        ("ft__Dockerfile_", ".dockerfile"),
        ("ft____c64x_32_", ".c64x_32"),
        ("ft___LESSER_", ".lesser"),
        ("ft___json5__", ".json5"),
        ("ft___cpp___", ".cpp"),
    ],
)
def test_file_type_columns(table, column, extension):
    """
    A file type's column is named after its place in a printed list; the type is what remains.
    """
    there, absent = read(table, {}, {}, extra=[(column, ["1.0", "0.0"])])

    assert there.build.change.totals.extensions == (extension,)
    assert absent.build.change.totals.extensions == ()


def test_no_file_type_is_one_too(table):
    """
    The column of the empty list marks a run without files, which has no file type.
    """
    [one] = read(table, {}, extra=[("ft___", ["1.0"])])

    assert one.build.change.totals.extensions == ()


def test_columns_of_one_name_all_count(table):
    """
    Where a table has a column twice, a mark in either counts.
    """
    marks = [("ft___cpp__", ["1.0", "0.0", "0.0"]), ("ft___cpp__", ["0.0", "1.0", "0.0"])]
    builds = read(table, {}, {}, {}, extra=marks)

    assert [one.build.change.totals.extensions for one in builds] == [(".cpp",), (".cpp",), ()]


def test_what_types_decide(table):
    """
    Lock files and settings count as dependencies and configuration, as do Docker's files.
    """
    types = [("ft___lock_", ["1"]), ("ft___yml_", ["1"]), ("ft___rs_", ["1"])]
    [one] = read(table, {"dockerfile_changed": "1"}, extra=types)

    totals = one.build.change.totals
    assert (totals.dependency_files, totals.config_files) == (1, 2)


def test_what_was_looked_up_later_is_not_read(table):
    """
    Columns that know the outcome change nothing, whatever they hold.
    """
    builds = read(table, {}, {})
    lies = [dict.fromkeys(LEAKING, word) for word in ("1", "not even a number")]

    assert read(table, *lies) == builds
    assert read(table, {}, {}, drop=LEAKING) == builds


@pytest.mark.parametrize("missing", sorted(COLUMNS))
def test_a_missing_column_is_named(table, missing):
    """
    Without one of its columns a table is refused by the column's name.
    """
    source = open_ghaminer(write(table, {}, drop=(missing,)))

    with pytest.raises(UnreadableSource, match=f"columns {missing} are missing"):
        list(source.builds())


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"branch": "3"}, "branch is '3', not 0, 1 or 2"),
        ({"issuer_name": "ada"}, "issuer_name is 'ada', not a number"),
        ({"workflow_event_trigger": "1.5"}, "workflow_event_trigger is '1.5'"),
        ({"workflow_id": ""}, "workflow_id is '', not given"),
        ({"build_duration": "nan"}, "build_duration is 'nan'"),
        ({"build_duration": "1e300"}, "build_duration is '1e300'"),
        ({"secs_since_prev": "-1"}, "secs_since_prev is '-1'"),
        ({"secs_since_prev": "1e300"}, "no moment with hour 13, dow 3, month 10"),
        ({"gh_lines_added": "many"}, "gh_lines_added is 'many'"),
        ({"conclusion": "fine"}, "conclusion is 'fine'"),
        ({"hour": "noon"}, "hour is 'noon'"),
    ],
)
def test_a_bad_value_is_named(table, row, shown):
    """
    A value that cannot be is refused with its file and itself.
    """
    with pytest.raises(UnreadableSource) as caught:
        read(table, {}, row)

    assert shown in str(caught.value)
    assert table.name in str(caught.value)


def test_a_word_among_file_types_is_named(table):
    """
    Text where a mark belongs is refused with its column and line.
    """
    with pytest.raises(UnreadableSource, match="csv:3: ft___py_ is 'yes'"):
        read(table, {}, {}, extra=[("ft___py_", ["1.0", "yes"])])


def test_an_empty_table_has_no_builds(table):
    """
    A header without rows is an empty history; a file of nothing is no table.
    """
    assert read(table) == []

    table.write_bytes(b"")
    with pytest.raises(UnreadableSource, match="missing"):
        list(open_ghaminer(table).builds())


def test_a_folder_of_tables_is_one_history(tmp_path):
    """
    Each table of a folder is a project, and the kind is found out.
    """
    for name in ("a_processed.csv", "b_processed_2025.csv"):
        write(tmp_path / name, {}, {})
    source = open_source(tmp_path)

    found = Counter(one.build.project for one in source.builds())

    assert (source.kind, source.estimate, found) == ("ghaminer", 4, {"a": 2, "b": 2})


@pytest.mark.parametrize(
    ("folder", "rows", "failed"), [("success_only", 10_352, 0), ("with_conclusion", 12_418, 3_690)]
)
def test_all_real_builds(ci_data, folder, rows, failed):
    """
    Every row of the six real tables is a build, and its time has the hour that the row states.
    """
    source = open_source(ci_data / "github-actions" / folder)
    builds = list(source.builds())

    assert (source.kind, len(builds), len(source.skipped)) == ("ghaminer", rows, 0)
    assert len({one.build.build_id for one in builds}) == rows
    assert len({one.build.project for one in builds}) == 6
    assert sum(one.outcome.status == BuildStatus.FAILED for one in builds) == failed
    assert all(one.build.queued_at.year in (2024, 2025) for one in builds)
