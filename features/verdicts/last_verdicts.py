"""A test's last verdicts."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from features.feature import NAN, KnownAt
from features.frozen import Tree
from features.verdicts.catalogue import Catalogue
from features.verdicts.columns import Columns
from features.verdicts.feature import Candidates, TestFeature, Values
from features.verdicts.runs import Runs

LAST = 4


class LastVerdicts(TestFeature):
    """The last verdicts, newest first: 1 failing, 0 passed.

    Shape:  (n, 4).
    Unit:   flags; NaN where there was no such run.
    Source: `TestsReported.verdicts` of earlier builds.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = tuple(f"failed_{lag}" for lag in range(1, LAST + 1))
    group = "recent_verdicts"

    def __init__(self, *, capacity: int) -> None:
        self._columns = Columns([NAN] * LAST, kept=[np.float16] * LAST, capacity=capacity)

    def read(self, candidates: Candidates) -> Values:
        """Return the verdicts."""
        return self._columns.at(candidates.tests)

    def grow(self, catalogue: Catalogue, count: int) -> None:  # noqa: ARG002 - names do not matter
        """Make room for new tests."""
        self._columns.grow(count)

    def ran(self, runs: Runs) -> None:
        """Push the verdicts of a build's tests."""
        rows = self._columns.start(runs)
        self._columns.put(runs.tests, np.column_stack((runs.failing, rows[:, :-1])))

    def freeze(self) -> Tree:
        """Return the verdicts by test."""
        return self._columns.freeze()

    def thaw(self, tree: Tree) -> None:
        """Take over the verdicts."""
        self._columns.thaw(tree)
