"""How often a test ran and failed in all, and how long ago."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.feature import NAN
from features.frozen import Tree
from features.verdicts.catalogue import Catalogue
from features.verdicts.columns import Columns
from features.verdicts.feature import Candidates, TestFeature, Values
from features.verdicts.runs import FLAKY_WEIGHT, Runs

PRIOR = 5.0
"""The project's failure rate counts as this many runs of a test."""

_RUNS, _FAILURES, _SINCE, _FIRST, _LATEST = range(5)


class Counts(TestFeature):
    """Runs, failures and ages, counted in runs and builds.

    Shape:  (n, 7): runs, failures (flaky ones count `FLAKY_WEIGHT`), failure rate shrunk to that
            of all tests, runs since the last failure (0: the last run failed), builds since the
            first and the last run, share of builds since the first that ran the test.
    Unit:   counts and shares; NaN before the first run, or failure.
    Source: `TestsReported` of earlier builds.
    """

    names = (
        "runs",
        "failures",
        "failure_rate",
        "runs_since_failure",
        "builds_since_first_run",
        "builds_since_run",
        "run_share",
    )
    group = "failure_counts"

    def __init__(self, *, capacity: int) -> None:
        self._columns = Columns((0.0, 0.0, NAN, NAN, NAN), np.float64, capacity=capacity)
        self._runs = 0.0
        self._failures = 0.0

    def read(self, candidates: Candidates) -> Values:
        """Return the counts and rates."""
        rows = self._columns.at(candidates.tests)
        runs, failures = rows[:, _RUNS], rows[:, _FAILURES]
        prior = self.failure_rate()
        age = candidates.builds - rows[:, _FIRST]
        return np.column_stack(
            (
                runs,
                failures,
                np.where(runs > 0, (failures + PRIOR * prior) / (runs + PRIOR), NAN),
                rows[:, _SINCE],
                age,
                candidates.builds - rows[:, _LATEST],
                runs / age,
            )
        )

    def grow(self, catalogue: Catalogue, count: int) -> None:  # noqa: ARG002 - names do not matter
        """Make room for new tests."""
        self._columns.grow(count)

    def ran(self, runs: Runs) -> None:
        """Count a build's runs and failures."""
        before = self._columns.at(runs.tests)
        rows = self._columns.start(runs)
        rows[:, _RUNS] += 1
        rows[:, _FAILURES] += runs.verdict - (1 - FLAKY_WEIGHT) * runs.redeemed
        rows[:, _SINCE] = np.where(runs.failing, 0.0, rows[:, _SINCE] + 1)
        rows[:, _FIRST] = np.fmin(rows[:, _FIRST], runs.build)
        rows[:, _LATEST] = np.fmax(rows[:, _LATEST], runs.build)
        more = (rows - before)[:, : _FAILURES + 1].sum(axis=0)
        self._runs += float(more[_RUNS])
        self._failures += float(more[_FAILURES])
        self._columns.put(runs.tests, rows)

    def failure_rate(self) -> float:
        """Return the failure rate of all runs of all tests; 0 before the first."""
        return self._failures / self._runs if self._runs else 0.0

    def runs(self) -> NDArray[np.float64]:
        """Return the runs of all tests."""
        return self._columns.column(_RUNS)

    def runs_since_failure(self) -> NDArray[np.float64]:
        """Return the runs since the last failure of all tests; NaN for those that never failed."""
        return self._columns.column(_SINCE)

    def freeze(self) -> Tree:
        """Return the counts by test and in all."""
        return [self._columns.freeze(), self._runs, self._failures]

    def thaw(self, tree: Tree) -> None:
        """Take over the counts."""
        columns, self._runs, self._failures = tree
        self._columns.thaw(columns)
