"""Whether the project as a whole is broken these days, not just one branch of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from features.context import Context, Ended
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.recent import Recent

WINDOWS_S = (6 * 3_600.0, 24 * 3_600.0, 7 * 86_400.0)
_WINDOWS = np.array(WINDOWS_S)[:, None]
BUILDS = 300
"""Of so many last outcomes those within a window are counted."""
BRANCHES = 20
"""The branches of a pipeline that were built last."""
PIPELINES = 64
PRIOR = 2.0
"""The rate of the last `BUILDS` outcomes counts as so many builds of a window."""


class ProjectHealth(Feature):
    """Failing share of all builds by time, and of other branches by their last outcome.

    Shape:  5 columns: failing share of the last 6 hours, of the last day, of the last 7 days,
            outcomes of the last day, failing share of the pipeline's other branches.
    Unit:   shares, builds; NaN until there is an outcome (of another branch).
    Source: passed and failed builds, of any pipeline or of this one, that had finished.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = (
        "project_failure_rate_6h",
        "project_failure_rate_day",
        "project_failure_rate_week",
        "project_outcomes_day",
        "other_branches_failing_share",
    )
    group = "project_outcomes"

    def __init__(self) -> None:
        self._outcomes: list[list[float]] = []
        self._at: NDArray[np.float64] | None = None
        self._failing_and_all = np.empty((0, 2))
        self._usual = NAN
        self._branches: Recent[list[list[object]]] = Recent(limit=PIPELINES)

    def read(self, context: Context) -> Sequence[float]:
        """Return the shares, those of windows drawn to that of all."""
        if not self._outcomes:
            return (NAN,) * len(self.names)
        inside = context.traits.at - self._finished() <= _WINDOWS
        counts = (inside.astype(np.float64) @ self._failing_and_all).tolist()
        branches = self._branches.get(context.traits.pipeline) or ()
        mine = context.traits.branch
        others = [1.0 if failed else 0.0 for name, failed in branches if name != mine]
        elsewhere = sum(others) / len(others) if others else NAN
        usual = PRIOR * self._usual
        shares = [(failing + usual) / (known + PRIOR) for failing, known in counts]
        return (*shares, counts[1][1], elsewhere)

    def finished(self, ended: Ended) -> None:
        """Learn whether a build passed or failed."""
        if not (ended.passed or ended.failed):
            return
        self._outcomes = [
            *self._outcomes[-BUILDS + 1 :],
            [ended.finished_at, float(ended.failed)],
        ]
        self._at = None
        branch, pipeline = ended.traits.branch, ended.traits.pipeline
        older = [line for line in self._branches.get(pipeline) or () if line[0] != branch]
        self._branches.put(pipeline, [*older[-BRANCHES + 1 :], [branch, ended.failed]])

    def freeze(self) -> Tree:
        """Return the last outcomes, and each pipeline's branches with their last ones."""
        return [self._outcomes, self._branches.freeze()]

    def thaw(self, tree: Tree) -> None:
        """Take over both."""
        self._outcomes = tree[0]
        self._at = None
        self._branches.thaw(tree[1])

    def _finished(self) -> NDArray[np.float64]:
        """Return when the outcomes came (n,), and have them counted."""
        if self._at is None:
            self._at, failing = np.array(self._outcomes, dtype=np.float64).T.copy()
            self._failing_and_all = np.stack([failing, np.ones_like(failing)], axis=1)
            self._usual = float(failing.sum()) / len(failing)
        return self._at
