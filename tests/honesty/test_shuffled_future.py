"""No row knows what happens later."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devmind.events import in_order_of_time
from devmind.readers import open_source
from features.leaks import changed_columns, leaking_columns
from tests.honesty.histories import finished_builds, read_builds, read_tests, shuffled, simulated

FEW = settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
REPLAYS = pytest.mark.parametrize("replay", [read_builds, read_tests])


def changed_by_shuffling(replay, history, *, after, random):
    """Return the columns in which rows of builds queued until *after* differ."""
    early = {one.build.build_id for one in history if one.build.queued_at <= after}
    dealt = shuffled(history, after=after, random=random)
    lived, dreamt = (replay(list(in_order_of_time(one))) for one in (history, dealt))
    return changed_columns(lived, dreamt, early)


@FEW
@given(finished_builds(), st.data())
def test_outcomes_shuffled_from_a_moment_on_change_no_earlier_row(history, data):
    """
    Whatever comes of all builds that finish after t, rows of builds queued until t are the same.
    """
    after = data.draw(st.sampled_from([one.build.queued_at for one in history]))
    seed = data.draw(st.integers(0, 99))
    for replay in (read_builds, read_tests):
        assert changed_by_shuffling(replay, history, after=after, random=Random(seed)) == ()


@REPLAYS
def test_a_simulated_company_shuffled_changes_no_earlier_row(replay):
    """
    With builds that overlap, jobs and hundreds of tests, no column sees the future either.
    """
    history = simulated(50, seed=3)
    random = Random(1)
    for place in (12, 40):
        after = history[place].build.queued_at
        assert changed_by_shuffling(replay, history, after=after, random=random) == ()


@REPLAYS
def test_a_simulated_company_leaks_nothing(replay):
    """
    The detector that catches planted leaks finds none among the product's own columns.
    """
    assert leaking_columns(replay, simulated(60, seed=4), seed=1, moments=2) == ()


def test_real_runs_leak_nothing(ci_data):
    """
    No column of a real pipeline's builds changes with what happens later.
    """
    path = ci_data / "github-actions/with_steps/pr3y_Bruce_wf121541665_fixed.csv"
    history = list(open_source(path).builds())[:250]

    assert leaking_columns(read_builds, history, seed=1, moments=3) == ()
    after = history[125].build.queued_at
    assert changed_by_shuffling(read_builds, history, after=after, random=Random(2)) == ()


def test_real_verdicts_leak_nothing(ci_data):
    """
    No column of a real suite's tests changes with later verdicts or with those of its own cycle.
    """
    history = list(open_source(ci_data / "dune/debian_11_gcc-10-20.csv").builds())[:30]

    assert leaking_columns(read_tests, history, seed=1, moments=3) == ()
