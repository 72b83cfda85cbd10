"""How often a test failed lately, at several paces."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from features.feature import KnownAt
from features.frozen import Tree
from features.verdicts.catalogue import Catalogue
from features.verdicts.columns import Columns
from features.verdicts.counts import Counts
from features.verdicts.feature import Candidates, TestFeature, Values
from features.verdicts.runs import FLAKY_WEIGHT, Runs

HALF_LIVES = (1.5, 3.0, 10.0, 30.0)
"""In runs of the test."""
RESIDUAL_HALF_LIFE = 5.0

_ALPHAS = np.array([1 - 2 ** (-1 / h) for h in (*HALF_LIVES, RESIDUAL_HALF_LIFE)])
_RUNS = len(_ALPHAS)


class VerdictMeans(TestFeature):
    """Exponentially weighted means of a test's verdicts, and of how they stood out.

    The residual is the verdict minus the share of failing tests in the build: a test that fails
    when everything fails says little. A test starts from the failure rate of all runs so far (its
    residual from 0), so that one run does not make a rate of 0 or 1; a flaky failure counts
    `FLAKY_WEIGHT`, also when the contradiction comes later. A test that never ran has the rate of
    first runs, and stands out by what that rate is above the rate of all runs.

    Shape:  (n, 5).
    Unit:   shares, the residual from -1 to 1; NaN before the first run of all.
    Source: `TestsReported.verdicts` of earlier builds.

    Args:
        counts: Knows the failure rate of all runs.
        capacity: Tests to make room for at first.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("fail_ewma_h1_5", "fail_ewma_h3", "fail_ewma_h10", "fail_ewma_h30", "residual_ewma")
    group = "recent_verdicts"

    def __init__(self, counts: Counts, *, capacity: int) -> None:
        self._counts = counts
        kept = [np.float64] * _RUNS + [np.int32]
        fills = [0.0] * (_RUNS + 1)
        self._columns = Columns(fills, np.float64, kept=kept, capacity=capacity)

    def read(self, candidates: Candidates) -> Values:
        """Return the means."""
        rows = self._columns.at(candidates.tests)
        start = np.full(_RUNS, self._counts.failure_rate())
        start[-1] = 0.0
        runs = rows[:, _RUNS].astype(np.int64)
        left = (1 - _ALPHAS) ** np.arange(runs.max(initial=0) + 1)[:, None]
        means: Values = rows[:, :_RUNS] + (start * left)[runs]
        new = self._counts.first_run_failure_rate()
        means[runs == 0, :-1] = new
        means[runs == 0, -1] = new - self._counts.failure_rate()
        return means

    def grow(self, catalogue: Catalogue, count: int) -> None:  # noqa: ARG002 - names do not matter
        """Make room for new tests."""
        self._columns.grow(count)

    def ran(self, runs: Runs) -> None:
        """Learn the verdicts of a build's tests."""
        rows = self._columns.start(runs)
        rows[runs.redeemed, :_RUNS] -= (1 - FLAKY_WEIGHT) * _ALPHAS
        seen = np.repeat(runs.verdict[:, None], _RUNS, axis=1)
        seen[:, -1] -= runs.failing_share
        rows[:, :_RUNS] += _ALPHAS * (seen - rows[:, :_RUNS])
        rows[:, _RUNS] += 1
        self._columns.put(runs.tests, rows)

    def freeze(self) -> Tree:
        """Return the sums and runs by test."""
        return self._columns.freeze()

    def thaw(self, tree: Tree) -> None:
        """Take over the sums and runs."""
        self._columns.thaw(tree)
