"""How busy the project's CI is when a build is queued."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from features.context import Context, Ended
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.keys import KeyOf, by_branch, by_pipeline, by_project
from features.recent import Recent, key
from features.traits import Traits

IN_FLIGHT_S = 6 * 3_600.0
"""A build queued longer ago no longer counts as running: its end was never reported."""
RUNNING = 1_024
DAY_S = 86_400.0
RECENT = 256

Flight = tuple[float, str, str]
"""When a running build was queued, its pipeline, its branch."""


class Load(Feature):
    """Builds in flight, and builds queued in the last day.

    Shape:  4 columns: in flight in the project, the pipeline and the branch; last day's builds.
    Unit:   builds; the last is capped at `RECENT`; the branch's is NaN without a branch.
    Source: queued and finished events; a build counts for at most `IN_FLIGHT_S`.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("in_flight", "pipeline_in_flight", "branch_in_flight", "builds_last_day")
    group = "load"

    def __init__(self) -> None:
        self._running: Recent[Flight] = Recent(limit=RUNNING)
        self._queued_at: list[float] = []
        self._times: NDArray[np.float64] | None = None

    def read(self, context: Context) -> Sequence[float]:
        """Count the running builds and those of the last day."""
        traits = context.traits
        now, branch = traits.at, by_branch(traits)
        running = [f for f in self._running.newest_first() if abs(now - f[0]) <= IN_FLIGHT_S]
        return (
            float(len(running)),
            float(sum(f[1] == traits.pipeline for f in running)),
            NAN if branch is None else float(sum(f[2] == branch for f in running)),
            float(self._of_the_day(now)),
        )

    def queued(self, traits: Traits) -> None:
        """Learn that a build has entered the queue."""
        self._running.put(traits.build_id, (traits.at, traits.pipeline, by_branch(traits) or ""))
        self._queued_at = [*self._queued_at[-RECENT + 1 :], traits.at]
        self._times = None
        for name, flight in list(self._running.items())[:8]:  # a few of the oldest each time
            if traits.at - flight[0] > IN_FLIGHT_S:
                self._running.pop(name)

    def finished(self, ended: Ended) -> None:
        """Learn that a build no longer runs."""
        self._running.pop(ended.traits.build_id)

    def freeze(self) -> Tree:
        """Return the running builds and the times of the last queued ones."""
        return [self._running.freeze(list), self._queued_at]

    def thaw(self, tree: Tree) -> None:
        """Take over both."""
        self._running.thaw(tree[0], lambda row: (row[0], row[1], row[2]))
        self._queued_at = tree[1]
        self._times = None

    def _of_the_day(self, now: float) -> int:
        if self._times is None:
            self._times = np.array(self._queued_at, dtype=np.float64)
        age_s = now - self._times
        return int(np.count_nonzero((age_s >= 0) & (age_s <= DAY_S)))


class Gaps(Feature):
    """Time since the previous build was queued.

    Shape:  3 columns: in the project, the pipeline and the branch.
    Unit:   seconds, at least 0; NaN if there was none.
    Source: `QueuedBuild.queued_at` of earlier builds.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("gap_s", "pipeline_gap_s", "branch_gap_s")
    group = "load"

    _keys: tuple[KeyOf, ...] = (by_project, by_pipeline, by_branch)

    def __init__(self) -> None:
        self._queued_at: Recent[float] = Recent(limit=3 * 4_096)

    def read(self, context: Context) -> Sequence[float]:
        """Return the gaps."""
        last = [self._queued_at.get(name) for name in self._names(context.traits)]
        now = context.traits.at
        return [NAN if at is None else max(0.0, now - at) for at in last]

    def queued(self, traits: Traits) -> None:
        """Learn when a build was queued."""
        for name in self._names(traits):
            if name:
                self._queued_at.put(name, traits.at)

    def freeze(self) -> Tree:
        """Return the last time by key."""
        return self._queued_at.freeze()

    def thaw(self, tree: Tree) -> None:
        """Take over the times."""
        self._queued_at.thaw(tree)

    def _names(self, traits: Traits) -> list[str]:
        names = (by(traits) for by in self._keys)
        return ["" if name is None else key(str(i), name) for i, name in enumerate(names)]
