"""How hurried the project and the author are at this hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from features.context import Context, Ended
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.newest import Words
from features.recent import Recent
from features.traits import Traits

HOUR_S = 3_600.0
DAY_S = 86_400.0
RUNNING_S = 6 * HOUR_S
"""A build queued longer ago no longer counts as running: its end was never reported."""
BUILDS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class _Builds:
    """Builds in the order of their events: when each was queued, by whom, whether it runs."""

    at: NDArray[np.float64]
    whose: NDArray[np.float64]
    runs: NDArray[np.bool_]


class Bustle(Feature):
    """Builds of the last hour, the author's of the day, and those that still run.

    Shape:  5 columns: builds queued in the last hour, of these still running, the author's of the
            last day, the author's still running, seconds since the newest running one was queued.
    Unit:   builds (at most `BUILDS`), seconds; the author's are NaN without an author, the last
            is NaN while nothing runs.
    Source: queued and finished events.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = (
        "builds_last_hour",
        "in_flight_last_hour",
        "author_builds_last_day",
        "author_in_flight",
        "in_flight_newest_s",
    )
    group = "load"

    def __init__(self) -> None:
        self._queued: Recent[tuple[float, str]] = Recent(limit=BUILDS)
        self._ended_at: Recent[float] = Recent(limit=4 * BUILDS)
        self._known: _Builds | None = None
        self._authors: Words[str] = Words()

    def read(self, context: Context) -> Sequence[float]:
        """Count the builds."""
        now, author = context.traits.at, context.traits.author
        known = self._builds()
        age_s = now - known.at
        day = (age_s >= 0) & (age_s <= DAY_S)
        running = np.flatnonzero(day & known.runs & (age_s <= RUNNING_S))
        hour = day & (age_s <= HOUR_S)
        mine = known.whose == self._authors.number(author)
        return (
            float(np.count_nonzero(hour)),
            float(np.count_nonzero(hour & known.runs)),
            float(np.count_nonzero(day & mine)) if author else NAN,
            float(np.count_nonzero(mine[running])) if author else NAN,
            float(age_s[running[-1]]) if len(running) else NAN,
        )

    def queued(self, traits: Traits) -> None:
        """Learn that a build has entered the queue."""
        self._queued.put(traits.build_id, (traits.at, traits.author))
        self._known = None

    def finished(self, ended: Ended) -> None:
        """Learn that a build no longer runs."""
        self._ended_at.put(ended.traits.build_id, ended.finished_at)
        self._known = None

    def freeze(self) -> Tree:
        """Return when builds were queued and whose they are, and when those ended that have."""
        return [self._queued.freeze(list), self._ended_at.freeze()]

    def thaw(self, tree: Tree) -> None:
        """Take over both."""
        self._queued.thaw(tree[0], lambda row: (row[0], row[1]))
        self._ended_at.thaw(tree[1])
        self._known = None

    def _builds(self) -> _Builds:
        if self._known is None:
            self._authors = Words()
            self._known = _Builds(
                at=np.array([at for at, _ in self._queued.values()]),
                whose=np.array([self._authors.learn(whose) for _, whose in self._queued.values()]),
                runs=np.array([self._ended_at.get(name) is None for name in self._queued], bool),
            )
        return self._known
