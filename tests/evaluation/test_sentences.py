from dataclasses import replace

import numpy as np

from evaluation.results import Durations, Failures, RankedBuild, Rankings
from evaluation.sentences import about_durations, about_failures, about_tests, sentences
from tests.evaluation import replays


def test_subsets_are_promised_with_the_numbers_that_they_rest_on():
    """
    Missed builds, their share, the time saved and why everything ran, each counted by hand.
    """
    caught, missed, passing = _build(fails=0), _build(fails=9), _build(fails=None)
    everything = replace(passing, selected={}, run_all={"time=50%": "no changed files were given"})
    builds = (*[caught] * 38, *[missed] * 2, *[passing] * 40, *[everything] * 20)

    (said,) = about_tests(Rankings(project="shop", builds=builds))

    assert said == (
        "of 40 failing builds you would have missed 2 (5.0 %); you would have saved 40 % of test "
        "time (subsets by time=50%; 95.0 % of a build's failing tests ran; in 20 of 100 builds "
        "everything ran, mostly because no changed files were given)."
    )


def test_thin_history_is_said_instead_of_numbers():
    """
    With too few builds of a kind no rate is promised, and what is needed is said.
    """
    few = replays.rankings(n=4)
    (said,) = about_tests(replace(few, builds=(_build(fails=0),) * 3))
    assert said == (
        "there are only 3 builds with failing tests; at least 30 are needed to say what a subset "
        "of the tests would miss."
    )
    assert about_failures(replays.failures(n=40, rate=0.0)).startswith(
        "there are no builds that failed of 40; at least 30 are needed"
    )
    assert about_durations(replays.durations(n=20)).startswith("there are only 20 builds that")


def test_warnings_are_counted_with_their_price():
    """
    Failing builds that were warned of, false alarms by builds, and first failures by themselves.
    """
    failed = np.repeat([True, False], 40)
    said = np.where(np.arange(80) < 30, 0.9, 0.1)
    said[-10:] = 0.8
    previous = np.where(np.arange(80) < 15, 0.0, 1.0)
    found = Failures(
        project="shop",
        queued_at=np.arange(80.0),
        failed=failed,
        probability=said,
        threshold=0.5,
        previous_failed=previous,
        baselines={},
        thresholds={},
    )

    assert about_failures(found) == (
        "warned before 30 of 40 failing builds at 1 false alarm in 8 builds; of 15 that failed "
        "after a passing build, 15."
    )
    quiet = replace(found, threshold=0.85, previous_failed=np.ones(80))
    assert about_failures(quiet) == (
        "warned before 30 of 40 failing builds without a false alarm in 80 builds."
    )
    assert about_failures(replace(found, threshold=float("nan"))).startswith("no warnings")


def test_durations_are_said_beside_the_last_run():
    """
    What the intervals held, how wide they were, and half of the errors beside the simple rule's.
    """
    n = 40
    actual = np.full(n, 100.0)
    actual[:4] = 500.0
    found = Durations(
        project="shop",
        queued_at=np.arange(float(n)),
        actual_s=actual,
        quantiles_s=np.tile([80.0, 112.0, 140.0], (n, 1)),
        mean_s=actual,
        baselines_s={"mean_of_7": actual + 1, "last_run": actual + 31},
    )

    assert about_durations(found) == (
        "90 % of 40 builds took between what was said (80 % was promised; the span is 1 min at "
        "the median); half of the predictions were within 12 s (last run: 31 s)."
    )
    alone = about_durations(replace(found, baselines_s={}))
    assert alone.endswith("were within 12 s.")


def test_every_project_is_spoken_of():
    """
    Each sentence starts with its project; each project has one of each kind, and one a target.
    """
    said = sentences(replays.replayed())

    for project in ("shop", "bank"):
        assert sum(text.startswith(f"{project}: ") for text in said) == 4


def _build(*, fails):
    """Ten tests of a second each, of which the first half is chosen."""
    tests = np.arange(10)
    return RankedBuild(
        queued_at=0.0,
        failed=tests == (-1 if fails is None else fails),
        probability=1 - tests / 10,
        cost_s=np.ones(10),
        expected_s=np.ones(10),
        baselines={},
        selected={"time=50%": tests < 5},
    )
