import numpy as np
import pytest

from features.verdict_state import TestState
from features.verdicts.counts import PRIOR
from features.verdicts.runs import FLAKY_WEIGHT
from tests.factories import finished, queued, report, stored
from tests.features.asking import fold

ASK = queued("ask", at_s=1_000_000)
RATES = ("failure_rate", "first_run_failure_rate")


def newcomer(builds, *names):
    """Return the named columns of a test that was never reported."""
    state = fold(TestState(), stored(builds))
    row = state.read(ASK, np.array([-1], dtype=np.int32))[0]
    return [float(row[state.names.index(name)]) for name in names]


def build(number, commit="", **verdicts):
    asked = queued(str(number), at_s=3_600 * number, commit=commit)
    return finished(asked, reports=[report(**verdicts)])


@pytest.mark.parametrize(
    ("builds", "firsts", "first_failures", "rate"),
    [
        ([build(0, a="failed", b="passed")], 2, 1, 1 / 2),
        ([build(0, a="failed", b="passed"), build(1, a="failed", c="failed")], 3, 2, 3 / 4),
        ([build(0, a="passed"), build(1, a="failed"), build(2, a="failed")], 1, 0, 2 / 3),
        ([build(0, a="failed passed")], 1, FLAKY_WEIGHT, FLAKY_WEIGHT),
        ([build(0, "c", a="failed"), build(1, "c", a="passed")], 1, FLAKY_WEIGHT, 1 / 4),
        ([build(0, a="skipped", b="passed"), build(1, a="failed")], 2, 1, 1 / 2),
    ],
)
def test_a_newcomer_fails_as_often_as_newcomers_did(builds, firsts, first_failures, rate):
    """
    First runs of tests are counted once each, flaky failures for less, and shrunk to all runs.
    """
    expected = (first_failures + PRIOR * rate) / (firsts + PRIOR)

    assert newcomer(builds, *RATES) == pytest.approx([expected] * 2)
    assert newcomer(builds, "fail_ewma_h3") == pytest.approx([expected])
    assert newcomer(builds, "residual_ewma") == pytest.approx([expected - rate], abs=1e-6)


def test_several_reports_of_a_build_are_one_first_run():
    """
    A test whose build reports twice has run for the first time once.
    """
    reports = [report("linux", a="passed", b="passed"), report("mac", a="failed")]
    twice = [finished(queued("0"), reports=reports)]
    once = [build(0, a="failed", b="passed")]

    assert newcomer(twice, *RATES) == newcomer(once, *RATES)


def test_newcomers_are_ranked_among_the_others():
    """
    Where newcomers often failed, one more ranks above a test that always passed.
    """
    builds = [build(0, old="passed"), build(1, old="passed", a="failed"), build(2, b="failed")]
    state = fold(TestState(), stored([*builds, build(3, old="passed")]))
    tests = np.array([state.tests.number("old"), -1], dtype=np.int32)
    rank = state.read(ASK, tests)[:, state.names.index("rank_failure_rate")]

    assert rank.tolist() == [0, 1]


def test_before_the_first_run_of_all_nothing_is_known():
    """
    A project without reports says nothing about how its tests will do.
    """
    assert np.isnan(newcomer([], *RATES)).all()
