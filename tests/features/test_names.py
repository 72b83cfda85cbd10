import pytest

from features.build_state import BuildState
from features.names import names_of
from features.verdict_state import TestState

BASELINES = {
    BuildState: (
        "project_last_s",
        "project_mean7_s",
        "pipeline_last_s",
        "pipeline_mean7_s",
        "pipeline_median7_s",
        "pipeline_last_failed",
        "pipeline_failure_rate_ewma",
        "project_failure_rate_ewma",
    ),
    TestState: ("fail_ewma_h3", "fail_ewma_h10", "failure_rate", "flaky_rate"),
}


@pytest.mark.parametrize("kind", [BuildState, TestState])
def test_columns_that_scorecards_compare_with_exist(kind):
    """
    The simple baselines are columns, so that models and baselines know the same.
    """
    assert set() == set(BASELINES[kind]) - set(kind.names)


@pytest.mark.parametrize("kind", [BuildState, TestState])
def test_every_column_is_known_when_a_build_is_queued(kind):
    """
    Each column declares when its inputs are known, and none needs the build to have started.
    """
    assert set(kind.names) == set(kind.known_at)
    assert {"queued"} == set(kind.known_at.values())


@pytest.mark.parametrize("kind", [BuildState, TestState])
def test_groups_part_the_columns(kind):
    """
    Every column belongs to exactly one group, so that reasons add up.
    """
    grouped = [name for names in kind.groups.values() for name in names]

    assert sorted(kind.names) == sorted(grouped)


def test_a_name_used_twice_is_refused():
    """
    Two features with one name would hide each other.
    """

    class Same:
        names = ("hour",)
        group = "time"
        known_at = "queued"

    with pytest.raises(ValueError, match="hour"):
        names_of([Same(), Same()])
