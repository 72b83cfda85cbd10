"""Who is at work: the size of the team, and the author's experience."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import ClassVar

from features.context import Context
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.recent import Recent
from features.traits import Traits

RECENT = 100
QUARTER_S = 90 * 86_400.0

Author = tuple[float, float, float]
"""Builds, first and latest time of an author."""


class Team(Feature):
    """Distinct authors of late.

    Shape:  2 columns: authors of the last `RECENT` builds, authors of the last 90 days.
    Unit:   authors; NaN while no build had an author.
    Source: authors of earlier queued builds.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("team_100_builds", "team_90_days")
    group = "team"

    def __init__(self) -> None:
        self._last: list[str] = []
        self._seen_at: Recent[float] = Recent()

    def read(self, context: Context) -> Sequence[float]:
        """Count the authors."""
        if not self._last:
            return (NAN, NAN)
        now = context.traits.at
        recent = takewhile(lambda at: now - at <= QUARTER_S, self._seen_at.newest_first())
        return (float(len(set(self._last))), float(sum(1 for _ in recent)))

    def queued(self, traits: Traits) -> None:
        """Learn who has pushed."""
        if traits.author:
            self._last = [*self._last[-RECENT + 1 :], traits.author]
            self._seen_at.put(traits.author, traits.at)

    def freeze(self) -> Tree:
        """Return the authors of the last builds, and when each was last seen."""
        return [self._last, self._seen_at.freeze()]

    def thaw(self, tree: Tree) -> None:
        """Take over both."""
        self._last = tree[0]
        self._seen_at.thaw(tree[1])


class Experience(Feature):
    """How much the author has built here before.

    Shape:  3 columns: builds so far, days since the first, seconds since the latest.
    Unit:   builds, days, seconds; NaN without an author (and for a newcomer, but 0 builds).
    Source: earlier queued builds of the author.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("author_builds", "author_days", "author_gap_s")
    group = "author_experience"

    def __init__(self) -> None:
        self._authors: Recent[Author] = Recent()

    def read(self, context: Context) -> Sequence[float]:
        """Return the author's counts."""
        name, now = context.traits.author, context.traits.at
        author = self._authors.get(name)
        if author is None:
            return (0.0 if name else NAN, NAN, NAN)
        builds, first, last = author
        return (builds, max(0.0, now - first) / 86_400, max(0.0, now - last))

    def queued(self, traits: Traits) -> None:
        """Learn that an author has pushed."""
        if traits.author:
            builds, first, _ = self._authors.get(traits.author) or (0.0, traits.at, 0.0)
            self._authors.put(traits.author, (builds + 1, first, traits.at))

    def freeze(self) -> Tree:
        """Return the counts by author."""
        return self._authors.freeze(list)

    def thaw(self, tree: Tree) -> None:
        """Take over the counts."""
        self._authors.thaw(tree, lambda row: (row[0], row[1], row[2]))
