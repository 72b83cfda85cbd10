"""How long a test takes."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from features.feature import NAN, KnownAt
from features.frozen import Tree
from features.verdicts.catalogue import Catalogue
from features.verdicts.columns import Columns
from features.verdicts.feature import Candidates, TestFeature, Values
from features.verdicts.runs import Runs

HALF_LIFE = 5.0
"""In runs of the test."""

_ALPHA = 1 - 2 ** (-1 / HALF_LIFE)
_EWMA, _LAST = range(2)


class TestDurations(TestFeature):
    """Smoothed and last duration of a test.

    Shape:  (n, 2).
    Unit:   seconds of an attempt; NaN before the first run.
    Source: `TestsReported.durations_s` of earlier builds.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("test_ewma_s", "test_last_s")
    group = "test_duration"

    def __init__(self, *, capacity: int) -> None:
        self._columns = Columns((NAN, NAN), capacity=capacity)

    def read(self, candidates: Candidates) -> Values:
        """Return the durations."""
        return self._columns.at(candidates.tests)

    def grow(self, catalogue: Catalogue, count: int) -> None:  # noqa: ARG002 - names do not matter
        """Make room for new tests."""
        self._columns.grow(count)

    def ran(self, runs: Runs) -> None:
        """Learn how long a build's tests took."""
        rows = self._columns.start(runs)
        old = np.where(np.isnan(rows[:, _EWMA]), runs.durations_s, rows[:, _EWMA])
        smoothed = old + _ALPHA * (runs.durations_s - old)
        self._columns.put(runs.tests, np.column_stack((smoothed, runs.durations_s)))

    def expected_s(self) -> NDArray[np.float32]:
        """Return the smoothed duration of all tests; NaN for those that never ran."""
        return self._columns.column(_EWMA)

    def freeze(self) -> Tree:
        """Return the durations by test."""
        return self._columns.freeze()

    def thaw(self, tree: Tree) -> None:
        """Take over the durations."""
        self._columns.thaw(tree)
