"""How hurried the project and the author are at this hour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from features.context import Context, Ended
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.recent import Recent
from features.traits import Traits

HOUR_S = 3_600.0
DAY_S = 86_400.0
RUNNING_S = 6 * HOUR_S
"""A build queued longer ago no longer counts as running: its end was never reported."""
BUILDS = 256


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
        self._known: list[tuple[float, str, bool]] | None = None

    def read(self, context: Context) -> Sequence[float]:
        """Count the builds."""
        now, author = context.traits.at, context.traits.author
        day = [build for build in self._builds() if 0 <= now - build[0] <= DAY_S]
        hour = [b for b in day if now - b[0] <= HOUR_S]
        running = [b for b in day if b[2] and now - b[0] <= RUNNING_S]
        return (
            float(len(hour)),
            float(sum(runs for _, _, runs in hour)),
            float(sum(b[1] == author for b in day)) if author else NAN,
            float(sum(b[1] == author for b in running)) if author else NAN,
            now - running[-1][0] if running else NAN,
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

    def _builds(self) -> list[tuple[float, str, bool]]:
        """Return when each build was queued, whose it is, and whether it runs."""
        if self._known is None:
            self._known = [
                (at, whose, self._ended_at.get(build) is None)
                for build, (at, whose) in self._queued.items()
            ]
        return self._known
