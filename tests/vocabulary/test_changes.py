"""What paths say about a change."""

import pytest

from devmind.changes import totals
from devmind.ci import Change, ChangedFile, ChangeTotals, FileChange
from devmind.paths import decides_everything, kind

PATHS = [
    (".github/workflows/ci.yml", "ci"),
    (".gitlab-ci.yml", "ci"),
    ("Jenkinsfile", "ci"),
    ("web/yarn.lock", "dependency"),
    ("requirements-dev.txt", "dependency"),
    ("Cargo.lock", "dependency"),
    ("docker/Dockerfile", "build"),
    ("cmake/warnings.cmake", "build"),
    ("tests/unit/test_cart.py", "test"),
    ("src/test/java/shop/CartTest.java", "test"),
    ("web/cart.spec.ts", "test"),
    ("pkg/cart_test.go", "test"),
    ("docs/index.md", "doc"),
    ("config/app.yaml", "config"),
    ("src/shop/cart.py", "source"),
    ("src/contest.py", "source"),
    ("src/latest.py", "source"),
]


@pytest.mark.parametrize(("path", "expected"), PATHS)
def test_a_path_tells_its_role(path, expected):
    """
    A file's role in a build follows from its path.
    """
    assert expected == kind(path)


@pytest.mark.parametrize(("path", "role"), PATHS)
def test_only_dependencies_ci_and_builds_decide_everything(path, role):
    """
    A change to dependencies, CI or build definitions can break any test; no other kind can.
    """
    assert (role in ("dependency", "ci", "build")) is decides_everything(path)


def test_totals_are_summed_over_files():
    """
    The size of a change is the sum over its files, told apart by role.
    """
    change = Change(
        files=(
            ChangedFile(path="src/a.py", lines_added=5, lines_deleted=2),
            ChangedFile(path="tests/test_a.py", lines_added=7, kind=FileChange.ADDED),
            ChangedFile(path="README.md", kind=FileChange.DELETED),
            ChangedFile(path="poetry.lock", lines_added=100),
        )
    )

    assert totals(change) == ChangeTotals(
        files_added=1,
        files_modified=2,
        files_deleted=1,
        lines_added=112,
        lines_deleted=2,
        test_lines=7,
        source_lines=7,
        doc_files=1,
        dependency_files=1,
        extensions=(".lock", ".md", ".py"),
    )


def test_stated_totals_win():
    """
    Where a source states a change's size, nothing is summed.
    """
    stated = ChangeTotals(lines_added=3)

    assert stated is totals(Change(totals=stated, files=(ChangedFile(path="a"),)))


def test_an_unknown_change_has_no_size():
    """
    A change of which nothing is known is unknown, not empty.
    """
    assert totals(Change()) is None
