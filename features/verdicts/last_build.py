"""How all tests went in the project's last builds: the weather every test shares."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from features.feature import NAN, KnownAt
from features.frozen import Tree
from features.verdicts.feature import Candidates, TestFeature, Values
from features.verdicts.runs import Runs

HALF_LIFE = 5.0
"""In reporting builds."""

_ALPHA = 1 - 2 ** (-1 / HALF_LIFE)


class LastBuild(TestFeature):
    """Share of failing tests in the last reporting build, and smoothed over builds.

    Shape:  (n, 2), the same for all tests.
    Unit:   shares; NaN before the first report.
    Source: `TestsReported` of earlier builds; a build's reports count together.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("last_build_failing_share", "failing_share_ewma")
    group = "last_build"

    def __init__(self) -> None:
        self._build = -1
        self._share = NAN
        self._ewma = NAN

    def read(self, candidates: Candidates) -> Values:
        """Return the shares."""
        return np.tile((self._share, self._smoothed()), (len(candidates.tests), 1))

    def ran(self, runs: Runs) -> None:
        """Learn the share of failing tests."""
        if runs.build != self._build:
            self._ewma = self._smoothed()
        self._build, self._share = runs.build, runs.failing_share

    def freeze(self) -> Tree:
        """Return the last build, its share, and the smoothed one before it."""
        return [self._build, self._share, self._ewma]

    def thaw(self, tree: Tree) -> None:
        """Take over what `freeze` returned."""
        self._build, self._share, self._ewma = tree

    def _smoothed(self) -> float:
        if np.isnan(self._ewma):
            return self._share
        return self._ewma + _ALPHA * (self._share - self._ewma)
