"""What one report says about its tests, and what a build's reports say together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.traits import Traits
from history.events import ERROR, FAILED, SKIPPED, TestsReported

FLAKY_WEIGHT = 0.5
"""What a failure counts that the same build or commit also passed."""

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Numbers = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Merged:
    """The runs of one report, one a test.

    Attributes:
        tests: int32 (m,), sorted; skipped runs are no runs.
        failing: Whether any attempt failed.
        flaky: Whether one attempt failed and another passed.
        durations_s: Mean over the attempts.
    """

    tests: Numbers
    failing: Bools
    flaky: Bools
    durations_s: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Runs:
    """What a build's reports so far say about the tests of the newest one, one run a test.

    Attributes:
        traits: The build.
        build: Its number among the project's reporting builds, from 0.
        first: Whether this is the build's first report.
        tests: int32 (m,), sorted and unique.
        failing: Whether an attempt failed in any report of the build.
        newly_failing: Whether it failed for the first time in this build.
        flaky: Whether the build, or another one of its commit, had the other verdict too.
        verdict: 0 passed, 1 failed, `FLAKY_WEIGHT` failed and flaky.
        durations_s: Seconds of an attempt; the longest over the build's reports.
        again: Whether an earlier report of the build has these tests too.
        redeemed: Whether the test's run before failed on the same commit that now passes, so
            that the failure counts less after all.
        failing_share: Share of failing tests in the build so far.
    """

    traits: Traits
    build: int
    first: bool
    tests: Numbers
    failing: Bools
    newly_failing: Bools
    flaky: Bools
    verdict: Floats
    durations_s: Floats
    again: Bools
    redeemed: Bools
    failing_share: float


def merge(event: TestsReported) -> Merged:
    """Reduce a report to one run a test.

    Example:
        A test that failed in its first attempt and passed in its second is failing and flaky; one
        that fails twice is failing.
    """
    ran = event.verdicts != SKIPPED
    tests, index = np.unique(event.tests[ran], return_inverse=True)
    verdicts, attempts = event.verdicts[ran], event.attempts[ran]
    failed = (verdicts == FAILED) | (verdicts == ERROR)
    count = len(tests)
    failing = np.bincount(index, weights=failed, minlength=count) > 0
    passing = np.bincount(index, weights=~failed, minlength=count) > 0
    runs = np.bincount(index, minlength=count)
    return Merged(
        tests=tests.astype(np.int32),
        failing=failing,
        flaky=failing & passing & _differ(attempts, index, count),
        durations_s=np.bincount(index, weights=event.durations_s[ran], minlength=count) / runs,
    )


def _differ(attempts: NDArray[np.int16], index: NDArray[np.intp], count: int) -> Bools:
    first = np.full(count, np.iinfo(np.int16).max, dtype=np.int16)
    last = np.zeros(count, dtype=np.int16)
    np.minimum.at(first, index, attempts)
    np.maximum.at(last, index, attempts)
    differ: Bools = last > first
    return differ
