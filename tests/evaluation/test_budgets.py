from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.budgets import filled, napfd, per_cost, ran_within
from models.ranking import apfd, cost_order, recall_at_cost

SUITES = st.lists(
    st.tuples(st.booleans(), st.integers(0, 4), st.integers(1, 9)), min_size=1, max_size=12
)
SHARES = st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, 0.9, 1.0])


def arrays(suite):
    failed, score, cost = zip(*suite, strict=True)
    return np.array(failed), np.array(score, dtype=float), np.array(cost, dtype=float)


@given(SUITES, SHARES)
def test_napfd_is_what_running_the_tests_one_after_the_other_gives(suite, share):
    """
    NAPFD equals a walk through the order that skips what no longer fits and counts ranks.
    """
    failed, score, cost = arrays(suite)
    order = cost_order(score, cost)
    left, ran = share * sum(cost) + 1e-7, []
    for test in order:
        if cost[test] <= left:
            left -= cost[test]
            ran.append(test)
    ranks = [rank for rank, test in enumerate(ran, start=1) if failed[test]]
    n, faults = len(suite), sum(failed)
    p = len(ranks) / faults if faults else 1
    expected = p - sum(ranks) / (n * faults) + p / (2 * n) if faults else 1

    assert napfd(failed, order, cost, share=share) == pytest.approx(expected)


@given(SUITES)
def test_napfd_with_all_the_time_is_apfd(suite):
    """
    When everything may run and no score is tied, NAPFD is APFD.
    """
    failed, score, cost = arrays(suite)
    apart = score + np.arange(len(score)) / 100

    expected = apfd(failed, apart) if failed.any() else 1.0

    assert napfd(failed, cost_order(apart, cost), cost, share=1.0) == pytest.approx(expected)


@given(SUITES, SHARES)
def test_what_runs_within_a_share_is_a_prefix_that_fits(suite, share):
    """
    Tests run in order until the time is spent, and catch what `recall_at_cost` says.
    """
    failed, score, cost = arrays(suite)
    order = cost_order(score, cost)

    ran = ran_within(order, cost, share=share)

    spent = accumulate(cost[order])
    assert ran[order].tolist() == [s <= share * cost.sum() + 1e-7 for s in spent]
    if failed.any():
        assert ran[failed].mean() == recall_at_cost(failed, score, cost, share=share)


def test_unknown_durations_are_the_usual_one():
    """
    A test of unknown duration is expected to take the median of the others, or a second.
    """
    assert filled(np.array([1.0, np.nan, 5.0])).tolist() == [1, 3, 5]
    assert filled(np.array([np.nan])).tolist() == [1]


def test_scores_weigh_less_for_tests_that_take_long():
    """
    A score is divided by the root of the expected duration, and by no less than a millisecond's.
    """
    weighed = per_cost(np.array([0.4, 0.4]), np.array([4.0, 0.0]))

    assert weighed == pytest.approx([0.2, 0.4 / np.sqrt(1e-3)])
