"""How often a test ran and failed in all, and how long ago."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from features.feature import NAN, KnownAt
from features.frozen import Tree
from features.verdicts.catalogue import Catalogue
from features.verdicts.columns import Columns
from features.verdicts.feature import Candidates, TestFeature, Values
from features.verdicts.runs import FLAKY_WEIGHT, Runs

PRIOR = 5.0
"""The project's failure rate counts as this many runs of a test, or as first runs of tests."""

_RUNS, _FAILURES, _FIRST_RUNS, _FIRST_FAILURES, _SINCE, _FIRST, _LATEST = range(7)
_SUMMED = slice(_RUNS, _FIRST_FAILURES + 1)
_KEPT = (np.int32, np.float32, np.int8, np.float16, np.float32, np.float32, np.float32)
"""Halves are exact in a float32 up to eight million, whole numbers up to sixteen."""


class Counts(TestFeature):
    """Runs, failures and ages, counted in runs and builds.

    A test that never ran is expected to fail as often as tests of the project failed in their
    first run: in some projects new tests fail far more often than old ones.

    Shape:  (n, 7): runs, failures (flaky ones count `FLAKY_WEIGHT`), failure rate shrunk to that
            of all tests (before the first run `first_run_failure_rate`), runs since the last
            failure (0: the last run failed), builds since the first and the last run, share of
            builds since the first that ran the test.
    Unit:   counts and shares; NaN before the first run, or failure, where there is nothing else.
    Source: `TestsReported` of earlier builds.
    """

    known_at: ClassVar[KnownAt] = "queued"
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
        fills = (0.0, 0.0, 0.0, 0.0, NAN, NAN, NAN)
        self._columns = Columns(fills, np.float64, kept=_KEPT, capacity=capacity)
        self._totals = np.zeros(_FIRST_FAILURES + 1)

    def read(self, candidates: Candidates) -> Values:
        """Return the counts and rates."""
        rows = self._columns.at(candidates.tests)
        runs, failures = rows[:, _RUNS], rows[:, _FAILURES]
        prior, new = self.failure_rate(), self.first_run_failure_rate()
        age = candidates.builds - rows[:, _FIRST]
        return np.column_stack(
            (
                runs,
                failures,
                np.where(runs > 0, (failures + PRIOR * prior) / (runs + PRIOR), new),
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
        too_much = (1 - FLAKY_WEIGHT) * runs.redeemed
        rows[:, _FIRST_FAILURES] -= too_much * (rows[:, _RUNS] == 1)
        first = rows[:, _RUNS] == 0
        rows[first, _FIRST_RUNS] = 1
        rows[first, _FIRST_FAILURES] = runs.verdict[first]
        rows[:, _RUNS] += 1
        rows[:, _FAILURES] += runs.verdict - too_much
        rows[:, _SINCE] = np.where(runs.failing, 0.0, rows[:, _SINCE] + 1)
        rows[:, _FIRST] = np.fmin(rows[:, _FIRST], runs.build)
        rows[:, _LATEST] = np.fmax(rows[:, _LATEST], runs.build)
        self._totals += (rows - before)[:, _SUMMED].sum(axis=0)
        self._columns.put(runs.tests, rows)

    def failure_rate(self) -> float:
        """Return the failure rate of all runs of all tests; 0 before the first."""
        runs, failures = self._totals[_RUNS], self._totals[_FAILURES]
        return float(failures / runs) if runs else 0.0

    def first_run_failure_rate(self) -> float:
        """Return how often tests failed in their first run, shrunk to the rate of all runs.

        NaN before the first run of all.
        """
        runs, _, firsts, failures = self._totals.tolist()
        return (failures + PRIOR * self.failure_rate()) / (firsts + PRIOR) if runs else NAN

    def runs(self) -> NDArray[np.float64]:
        """Return the runs of all tests."""
        return self._columns.column(_RUNS)

    def runs_since_failure(self) -> NDArray[np.float64]:
        """Return the runs since the last failure of all tests; NaN for those that never failed."""
        return self._columns.column(_SINCE)

    def freeze(self) -> Tree:
        """Return the counts by test and in all."""
        return [self._columns.freeze(), self._totals]

    def thaw(self, tree: Tree) -> None:
        """Take over the counts."""
        columns, self._totals = tree
        self._columns.thaw(columns)
