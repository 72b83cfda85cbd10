import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from benchmarks.failing_histories import history
from benchmarks.selection_bound import Kept, chance_of, play, summed_up
from features.replay import replay_tests


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0.01, 0.9))
def test_luck_is_that_of_the_binomial(misses, more, rate):
    """
    The probability of so many misses or more is that of a library's binomial.
    """
    builds = misses + more

    assert chance_of(misses, builds, rate) == pytest.approx(binom.sf(misses - 1, builds, rate))


@pytest.mark.parametrize(
    ("missed", "failing", "held"), [(0, 0, True), (2, 40, True), (4, 40, True), (6, 40, False)]
)
def test_what_counts_as_held(missed, failing, held):
    """
    A rate is held up to the misses that luck explains at 5 %, and not beyond.
    """
    assert Kept(missed=missed, failing=failing).held(0.05) == held


def test_a_history_has_what_makes_bounds_hard():
    """
    Simulated failing builds come in streaks, some failures are flaky, and tests are added.
    """
    found = [replay_tests(history("p", np.random.default_rng(n), builds=120)) for n in range(4)]
    repeated, new, flaky, failed = 0.0, 0, 0, 0
    for examples in found:
        failing = np.bincount(examples.cycle, examples.failed) > 0
        repeated += failing[1:][failing[:-1]].mean() - failing.mean()
        runs = examples.rows[examples.cycle > 0, examples.names.index("runs")]
        new += (~(runs > 0)).sum()
        flaky, failed = flaky + examples.flaky.sum(), failed + examples.failed.sum()

    assert repeated > 0
    assert new > 0
    assert 0 < flaky < failed


def test_the_bound_holds_on_a_few_projects():
    """
    On a few short projects a stated rate is kept, some of the time is saved, and builds before
    the first promise ran everything.
    """
    kept = [play(number, builds=200, rates=(0.2,))[0.2] for number in range(3)]
    row = summed_up(0.2, kept)

    assert row.promised >= 2
    assert row.held == 1.0
    assert row.pooled <= 0.2
    assert row.run_share < 1.0
    assert all(one.failing <= one.builds - one.abstained for one in kept)
