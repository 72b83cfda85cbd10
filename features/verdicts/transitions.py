"""How often a test changes its mind."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from features.feature import NAN, KnownAt
from features.frozen import Tree
from features.verdicts.catalogue import Catalogue
from features.verdicts.columns import Columns
from features.verdicts.feature import Candidates, TestFeature, Values
from features.verdicts.runs import Runs

HALF_LIFE = 10.0
"""In runs of the test."""

_ALPHA = 1 - 2 ** (-1 / HALF_LIFE)
_LAST, _COUNT, _EWMA, _FLAKY, _RUNS = range(5)
_KEPT = (np.float16, np.int32, np.float64, np.float64, np.int32)


class Transitions(TestFeature):
    """Changes between passing and failing, and runs with both verdicts on one build or commit.

    Shape:  (n, 4): changes, changes a run, the same lately, share of flaky runs lately.
    Unit:   counts and shares; NaN before the first run.
    Source: `TestsReported` of earlier builds.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("transitions", "transition_rate", "transition_ewma", "flaky_rate")
    group = "flakiness"

    def __init__(self, *, capacity: int) -> None:
        fills, kept = (NAN, 0.0, 0.0, 0.0, 0.0), _KEPT
        self._columns = Columns(fills, np.float64, kept=kept, capacity=capacity)

    def read(self, candidates: Candidates) -> Values:
        """Return counts and shares."""
        rows = self._columns.at(candidates.tests)
        runs = rows[:, _RUNS]
        with np.errstate(invalid="ignore"):
            weight = 1 - (1 - _ALPHA) ** runs
            lately = rows[:, _EWMA : _FLAKY + 1] / weight[:, None]
            values = np.column_stack((rows[:, _COUNT], rows[:, _COUNT] / runs, lately))
        values[runs == 0] = NAN
        return values

    def grow(self, catalogue: Catalogue, count: int) -> None:  # noqa: ARG002 - names do not matter
        """Make room for new tests."""
        self._columns.grow(count)

    def ran(self, runs: Runs) -> None:
        """Learn whether a build's tests went as they did before."""
        rows = self._columns.start(runs)
        known = ~np.isnan(rows[:, _LAST])
        changed = known & (rows[:, _LAST] != runs.failing)
        rows[:, _LAST] = runs.failing
        rows[:, _COUNT] += changed
        rows[:, _EWMA] += _ALPHA * (changed - rows[:, _EWMA])
        rows[:, _FLAKY] += _ALPHA * (runs.flaky - rows[:, _FLAKY])
        rows[:, _RUNS] += 1
        self._columns.put(runs.tests, rows)

    def freeze(self) -> Tree:
        """Return the counts by test."""
        return self._columns.freeze()

    def thaw(self, tree: Tree) -> None:
        """Take over the counts."""
        self._columns.thaw(tree)
