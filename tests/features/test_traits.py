import pytest

from devmind.ci import Change, ChangeTotals
from features.branches import branch_kind
from features.context import context_of
from features.traits import MAX_PATHS, Traits, branch_of
from tests.factories import queued


@pytest.mark.parametrize(
    ("branch", "kind"),
    [
        ("main", "main"),
        ("Master", "main"),
        ("develop", "main"),
        ("gh-readonly-queue/main/pr-1", "queue"),
        ("auto", "queue"),
        ("release/1.2", "release"),
        ("v1.2.x", "release"),
        ("stable", "release"),
        ("dependabot/npm/lodash-4", "bot"),
        ("renovate/all", "bot"),
        ("fix/login", "fix"),
        ("user/hotfix-9", "fix"),
        ("feature/cart", "feature"),
        ("PAY-7463", "ticket"),
        ("1234-title", "ticket"),
        ("prefix", "other"),
        ("", "other"),
    ],
)
def test_branch_kinds(branch, kind):
    """
    A branch's name says what work it is for.
    """
    assert kind == branch_kind(branch)


@pytest.mark.parametrize(
    ("branch", "pull_request", "line"),
    [
        ("fix/x", "", "fix/x"),
        ("fix/x", "7", "fix/x"),
        ("main", "7", "#7"),
        ("", "7", "#7"),
        ("main", "", "main"),
        ("", "", ""),
    ],
)
def test_pull_requests_from_forks_do_not_share_the_main_branch(branch, pull_request, line):
    """
    A branch keeps its history through push and pull request; forks' `main`s are told apart.
    """
    assert line == branch_of(Change(branch=branch, pull_request=pull_request))


def test_unknown_files_are_not_no_files():
    """
    Without files and totals nothing is known of the change; totals of zero are a known nothing.
    """
    unknown = context_of(queued()).traits
    empty = context_of(queued(totals=ChangeTotals())).traits
    unnamed = context_of(queued(totals=ChangeTotals(files_modified=3))).traits

    assert (unknown.extensions, unknown.dependencies) == (None, None)
    assert (empty.extensions, empty.dependencies) == ((), False)
    assert (unnamed.extensions, unnamed.dependencies) == (None, False)


def test_documentation_and_dependencies_are_recognised():
    """
    A change of documents alone, and one that touches a lock file, say so.
    """
    docs = context_of(queued(files=("README.md", "docs/a.rst"))).traits
    mixed = context_of(queued(files=("README.md", "poetry.lock"))).traits

    assert (docs.docs_only, docs.dependencies) == (True, False)
    assert (mixed.docs_only, mixed.dependencies) == (False, True)


def test_a_huge_change_is_sampled_evenly():
    """
    Of 10,000 files at most `MAX_PATHS` are remembered, from the whole repository.
    """
    files = [f"area{i % 10}/f{i}.py" for i in range(10_000)]
    traits = context_of(queued(files=files)).traits

    assert len(traits.paths) <= MAX_PATHS
    assert len(traits.areas) == 10


def test_traits_survive_freezing():
    """
    What is remembered of a running build comes back from a snapshot equal.
    """
    traits = context_of(queued(files=("a/b.py", "c.py"), pull_request="7")).traits

    assert traits == Traits.thaw(traits.freeze())
    assert (traits.directories, traits.areas) == (("", "a"), ("", "a"))
