import numpy as np
import pytest

from devmind.events import Queued, Reported
from features.replay import replay_tests
from features.verdict_state import TestState
from features.verdicts.ranks import mid_ranks
from features.verdicts.runs import FLAKY_WEIGHT
from tests.factories import finished, queued, report, store, stored
from tests.features.asking import fold, test_columns

ASK = queued("ask", at_s=1_000_000)
NAN = float("nan")


def history(*words, **traits):
    """Builds an hour apart in which test `a` has the given verdicts (attempts by spaces)."""
    return [
        finished(queued(str(i), at_s=3_600 * i, **traits), reports=[report(a=word)])
        for i, word in enumerate(words)
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("passed",), [0, NAN, NAN, NAN]),
        (("failed", "error", "passed"), [0, 1, 1, NAN]),
        (("passed", "skipped", "failed"), [1, 0, NAN, NAN]),
        (("failed", "passed", "passed", "passed", "failed"), [1, 0, 0, 0]),
    ],
)
def test_last_verdicts(words, expected):
    """
    Errors are failures, skipped runs are no runs, the newest verdict comes first.
    """
    names = [f"failed_{lag}" for lag in range(1, 5)]

    assert test_columns(history(*words), ASK, *names)["a"] == pytest.approx(expected, nan_ok=True)


def test_smoothed_verdicts_start_at_the_rate_of_all_runs():
    """
    The weight of what was there before a test's first run is the rate of all tests' runs.
    """
    builds = [finished(queued("1"), reports=[report(a="failed", b="passed", c="passed")])]
    builds += [finished(queued("2", at_s=900), reports=[report(a="passed")])]
    keep = 2 ** (-1 / 3)
    expected = (1 - keep) * keep + (1 / 4) * keep**2

    assert test_columns(builds, ASK, "fail_ewma_h3")["a"] == [pytest.approx(expected)]


def test_failure_rate_is_shrunk():
    """
    Five runs at the rate of all tests are mixed in.
    """
    rate = test_columns(history("failed", "passed"), ASK, "failure_rate", "runs", "failures")["a"]

    assert rate == pytest.approx([(1 + 5 * 0.5) / (2 + 5), 2, 1])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("passed", "passed"), [NAN, 2, 1]),
        (("failed", "passed", "passed"), [2, 3, 1]),
        (("passed", "failed"), [0, 2, 1]),
        (("failed", "skipped"), [0, 1, 1]),
    ],
)
def test_distances_in_runs_and_builds(words, expected):
    """
    Runs since the last failure count the test's own runs; ages count reporting builds.
    """
    names = ("runs_since_failure", "builds_since_first_run", "builds_since_run")

    assert test_columns(history(*words), ASK, *names)["a"] == pytest.approx(expected, nan_ok=True)


def test_clocks_count_from_queueing():
    """
    Seconds since the last run and failure are between the times of queueing.
    """
    builds = history("failed", "passed", "passed")
    names = ("seconds_since_run", "seconds_since_failure")

    assert test_columns(builds, queued("n", at_s=9_000), *names)["a"] == [1_800, 9_000]


def test_residuals_forgive_when_everything_fails():
    """
    A failure in a build in which all tests failed stands out by nothing.
    """
    storm = [finished(queued("1"), reports=[report(a="failed", b="failed")])]
    alone = [finished(queued("1"), reports=[report(a="failed", b="passed")])]
    alpha = 1 - 2 ** (-1 / 5)

    assert test_columns(storm, ASK, "residual_ewma")["a"] == [0]
    assert test_columns(alone, ASK, "residual_ewma")["a"] == [pytest.approx(alpha / 2)]


def test_transitions_count_changes_of_mind():
    """
    A test that fails and passes in turn has transitions, one that only fails has none.
    """
    fickle = test_columns(history("failed", "passed", "failed"), ASK, "transitions")["a"]
    broken = test_columns(history("failed", "failed", "failed"), ASK, "transitions")["a"]

    assert (fickle, broken) == ([2], [0])


def test_a_retried_failure_is_flaky_and_counts_less():
    """
    A failure that the next attempt passed is a failing run of half weight, and flaky.
    """
    names = ("failed_1", "failures", "flaky_rate")

    assert test_columns(history("failed passed"), ASK, *names)["a"] == [1, FLAKY_WEIGHT, 1]
    assert test_columns(history("failed failed"), ASK, *names)["a"] == [1, 1, 0]


def test_both_verdicts_on_one_commit_are_flaky():
    """
    A failure that the same commit passes in the next build counts less after all, and one that
    contradicts an earlier pass counts less at once.
    """
    names = ("failures", "flaky_rate", "fail_ewma_h3")
    redeemed = test_columns(history("failed", "passed", commit="c1"), ASK, *names)["a"]
    refuted = test_columns(history("passed", "failed", commit="c1"), ASK, *names)["a"]
    honest = test_columns(history("failed", "passed", commit=""), ASK, *names)["a"]

    assert (redeemed[0], refuted[0], honest[0]) == (FLAKY_WEIGHT, FLAKY_WEIGHT, 1)
    assert redeemed[1] > 0
    assert honest[1] == 0
    assert redeemed[2] < honest[2]


def test_other_pipelines_do_not_make_a_test_flaky():
    """
    A test that fails on one platform's pipeline and passes on another's is not flaky.
    """
    builds = [
        finished(queued("1", commit="c1"), reports=[report(a="failed")]),
        finished(queued("1", at_s=99, commit="c1", pipeline="mac"), reports=[report(a="passed")]),
    ]

    assert test_columns(builds, ASK, "flaky_rate", "failures")["a"] == [0, 1]


def test_a_matrix_is_one_run_a_build():
    """
    A test that several reports of a build name has one run; it fails if any report says so.
    """
    matrix = [report("linux", a="passed", b="passed"), report("mac", a="failed", c="passed")]
    whole = [report("all", a="failed", b="passed", c="passed")]
    names = ("runs", "failed_1", "flaky_rate", "fail_ewma_h3", "failure_rate", "transitions")
    before = [finished(queued("0"), reports=[report(a="passed", b="failed", c="passed")])]
    build = queued("1", at_s=900)
    twice = test_columns([*before, finished(build, reports=matrix)], ASK, *names)
    once = test_columns([*before, finished(build, reports=whole)], ASK, *names)

    assert twice["a"][:3] == [2, 1, 0]
    assert once["a"] == pytest.approx(twice["a"])
    assert once["b"] == pytest.approx(twice["b"])


def test_reports_of_two_builds_in_turn_do_not_mix():
    """
    When another build reports in between, a second report counts as one more run.
    """
    one, two = queued("1"), queued("2", at_s=5)
    events = store(
        [
            Queued(build=one),
            Queued(build=two),
            Reported(build_id=one.build_id, report=report("linux", a="passed")),
            Reported(build_id=two.build_id, report=report("linux", a="passed")),
            Reported(build_id=one.build_id, report=report("mac", a="failed")),
        ]
    )

    assert fold(TestState(), events).tests.runs.tolist() == [3]


def test_durations_are_of_an_attempt():
    """
    Attempts are averaged within a report, the longest report of a build counts.
    """
    builds = history("failed passed")
    names = ("test_last_s", "test_ewma_s")

    assert test_columns(builds, ASK, *names)["a"] == [1, 1]


def test_the_last_build_is_weather_for_all():
    """
    The share of failing tests in the last build is the same for all tests.
    """
    builds = [finished(queued("1"), reports=[report(a="failed", b="passed")])]
    builds += [finished(queued("2", at_s=99), reports=[report(a="passed", c="passed")])]
    names = ("last_build_failing_share", "failing_share_ewma")
    rows = test_columns(builds, ASK, *names)
    smoothed = 0.5 * 2 ** (-1 / 5)

    assert rows["a"] == rows["b"] == rows["c"] == pytest.approx([0, smoothed])


def test_builds_that_ran_the_same_tests_count_most():
    """
    A test's verdict in a build that ran the same tests weighs 1, in one with half of them 1/16.
    """
    builds = [
        finished(queued("1"), reports=[report(a="failed", b="passed")]),
        finished(queued("2", at_s=99), reports=[report(a="passed")]),
    ]

    got = test_columns(builds, ASK, "similar_builds_failed")
    assert got["a"] == [pytest.approx(1 / (1 + 1 / 16))]
    assert got["b"] == [0]


@pytest.mark.parametrize(
    ("values", "ranks"),
    [
        ([], []),
        ([5.0], [0]),
        ([1.0, 2.0, 3.0], [0, 0.5, 1]),
        ([2.0, 2.0], [0.5, 0.5]),
        ([NAN, 1.0, NAN, 3.0], [NAN, 0, NAN, 1]),
        ([NAN], [NAN]),
    ],
)
def test_ranks_share_ties(values, ranks):
    """
    Ranks go from 0 to 1, ties share the middle, what is unknown has no rank.
    """
    assert mid_ranks(np.array([values]))[0].tolist() == pytest.approx(ranks, nan_ok=True)


def test_a_test_never_seen_is_a_candidate_that_never_ran():
    """
    Unknown numbers give equal rows, without runs, and the last test's history is not theirs.
    """
    state = fold(TestState(), stored(history("failed", "passed")))
    rows = state.read(ASK, np.array([-1, 0, 99], dtype=np.int32))
    told = [state.names.index(name) for name in ("runs", "failures", "new_share")]

    np.testing.assert_array_equal(rows[0], rows[2])
    assert rows[0, told].tolist() == pytest.approx([0, 0, 2 / 3])
    assert rows[1, told].tolist() == pytest.approx([2, 1, 2 / 3])
    assert np.isnan(rows[0, state.names.index("failed_1")])
    assert np.isnan(rows[0, state.names.index("similar_builds_failed")])
    assert (0, len(state.names)) == state.read(ASK, np.empty(0, dtype=np.int32)).shape


def test_known_tests_answer_what_selection_asks():
    """
    Names, numbers, durations, failures and activity of all tests are at hand.
    """
    builds = [finished(queued("0"), reports=[report(old="failed")])]
    builds += history("passed", "failed", "passed")
    builds += [finished(queued("9", at_s=90_000), reports=[report(idle="skipped")])]
    tests = fold(TestState(), stored(builds)).tests

    assert [tests.number(name) for name in ("old", "a", "idle")] == [0, 1, 2]
    assert tests.number("new") is None
    assert tests.numbers(["new", "a"]).tolist() == [-1, 1]
    assert tests.runs.tolist() == [1, 3, 0]
    assert tests.last_failed_runs_ago.tolist() == pytest.approx([0, 1, NAN], nan_ok=True)
    assert tests.expected_s.tolist() == pytest.approx([1, 1, NAN], nan_ok=True)
    assert tests.active(builds=2).tolist() == [1, 2]
    assert tests.active().tolist() == [0, 1, 2]


def test_examples_have_one_label_a_test_and_build():
    """
    An example fails if any attempt in any report failed; skipped tests give none.
    """
    reports = [
        report("linux", a="passed", b="failed passed", c="skipped"),
        report("mac", a="error", b="passed"),
    ]
    events = stored([finished(queued("1"), reports=reports), finished(queued("2", at_s=99))])
    examples = replay_tests(events)

    assert examples.tests.tolist() == [0, 1]
    assert examples.failed.tolist() == [True, True]
    assert examples.flaky.tolist() == [False, True]
    assert examples.cycle.tolist() == [0, 0]
    assert examples.sequence.tolist() == [1, 1]
    assert examples.rows[:, TestState.names.index("runs")].tolist() == [0, 0]


def test_no_history_gives_no_examples():
    """
    An empty history replays to empty arrays of the right shape.
    """
    assert (0, len(TestState.names)) == replay_tests([]).rows.shape


def test_a_report_of_a_forgotten_build_still_names_its_tests():
    """
    Numbers stay in step with the history's even if the build itself is no longer known.
    """
    events = stored(history("passed", "failed"))
    state = fold(TestState(), events[1:])  # the first build's queueing was never seen

    assert state.tests.number("a") == 0
    assert state.tests.runs.tolist() == [1]
