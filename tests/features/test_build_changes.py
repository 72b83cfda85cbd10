import math

import pytest

from devmind.ci import ChangedFile, ChangeTotals, FileChange
from tests.factories import queued
from tests.features.asking import build_row

FILES = (
    ChangedFile(path="src/shop/cart.py", lines_added=30, lines_deleted=10),
    ChangedFile(path="tests/test_cart.py", lines_added=40, kind=FileChange.ADDED),
    ChangedFile(path="README.md", lines_deleted=5, kind=FileChange.DELETED),
    ChangedFile(path="poetry.lock", lines_added=3),
    ChangedFile(path=".github/workflows/ci.yml", lines_added=1),
    ChangedFile(path="Dockerfile", lines_added=1),
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("files_changed", 6),
        ("files_added", 1),
        ("files_modified", 4),
        ("files_deleted", 1),
        ("lines_added", 75),
        ("lines_deleted", 15),
        ("churn_lines", 90),
        ("test_churn_lines", 40),
        ("source_churn_lines", 40),
        ("test_churn_share", 0.5),
        ("doc_files", 1),
        ("config_files", 1),
        ("docs_only", 0),
        ("dependency_files", 1),
        ("ci_files", 1),
        ("build_files", 1),
        ("extensions", 5),
        ("directories", 4),
        ("areas", 4),
        ("touches_python", 1),
        ("touches_lock", 1),
        ("touches_yaml", 1),
        ("touches_shell", 1),
        ("touches_rust", 0),
        ("touches_other", 0),
    ],
)
def test_a_change_is_measured(name, value):
    """
    Sizes and kinds of a change are sums over its files.
    """
    assert pytest.approx(value) == build_row([], queued(files=FILES))[name]


def test_entropy_tells_spread_from_focus():
    """
    Evenly spread lines have entropy 1, lines in one file 0.
    """
    even = [ChangedFile(path=f"{i}.py", lines_added=5) for i in range(4)]
    one = [ChangedFile(path="a.py", lines_added=9), ChangedFile(path="b.py")]

    assert pytest.approx(1) == build_row([], queued(files=even))["churn_entropy"]
    assert build_row([], queued(files=one))["churn_entropy"] == 0


def test_totals_stand_in_for_files():
    """
    Where only totals are known, sizes are known and places are not.
    """
    totals = ChangeTotals(files_modified=2, lines_added=7, extensions=(".go",))
    row = build_row([], queued(totals=totals))

    assert tuple(
        row[name] for name in ("files_changed", "lines_added", "touches_go", "extensions")
    ) == (2, 7, 1, 1)
    assert math.isnan(row["directories"])
    assert math.isnan(row["ci_files"])


def test_an_unknown_change_is_nan():
    """
    A build without files and totals has no size, not size 0.
    """
    row = build_row([], queued())

    assert all(math.isnan(row[name]) for name in ("files_changed", "touches_go", "docs_only"))


@pytest.mark.parametrize(
    ("message", "flags"),
    [
        ("Revert 'add cart'", {"revert", "add"}),
        ("fixes #12: prefix stays", {"fix"}),
        ("Merge branch 'main' into x", {"merge"}),
        ("chore(deps): bump lodash from 4.1 to 4.2", {"bump"}),
        ("Update dependencies", {"bump"}),
        ("wip", {"unfinished"}),
        ("Explain the documents", set()),
    ],
)
def test_messages_are_flagged_by_word(message, flags):
    """
    Telling words set flags; parts of other words do not.
    """
    row = build_row([], queued(message=message))
    words = {n.removeprefix("message_") for n, v in row.items() if n.startswith("message_") and v}

    assert flags == words - {"length"}
