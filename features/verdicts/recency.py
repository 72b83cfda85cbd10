"""How long ago a test ran and failed, by the clock."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from features.feature import NAN, KnownAt
from features.frozen import Tree
from features.verdicts.catalogue import Catalogue
from features.verdicts.columns import Columns
from features.verdicts.feature import Candidates, TestFeature, Values
from features.verdicts.runs import Runs

_RUN_AT, _FAILED_AT = range(2)


class Recency(TestFeature):
    """Time since the test's last run and last failure, from queueing to queueing.

    Shape:  (n, 2).
    Unit:   seconds, at least 0; NaN where there was none.
    Source: `QueuedBuild.queued_at` of builds that reported the test.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("seconds_since_run", "seconds_since_failure")
    group = "recency"

    def __init__(self, *, capacity: int) -> None:
        self._columns = Columns((NAN, NAN), np.float64, capacity=capacity)

    def read(self, candidates: Candidates) -> Values:
        """Return the seconds."""
        since: Values = np.maximum(candidates.traits.at - self._columns.at(candidates.tests), 0.0)
        return since

    def grow(self, catalogue: Catalogue, count: int) -> None:  # noqa: ARG002 - names do not matter
        """Make room for new tests."""
        self._columns.grow(count)

    def ran(self, runs: Runs) -> None:
        """Learn when a build's tests ran."""
        rows = self._columns.start(runs)
        rows[:, _RUN_AT] = runs.traits.at
        rows[runs.failing, _FAILED_AT] = runs.traits.at
        self._columns.put(runs.tests, rows)

    def freeze(self) -> Tree:
        """Return the times by test."""
        return self._columns.freeze()

    def thaw(self, tree: Tree) -> None:
        """Take over the times."""
        self._columns.thaw(tree)
