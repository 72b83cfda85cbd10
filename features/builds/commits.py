"""What is already known of this very commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from features.context import Context, Ended
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.recent import Recent
from features.traits import Traits

_NEW = (0.0, 0.0, 0.0)


class Commits(Feature):
    """Earlier builds of the same commit, in any pipeline, and the attempt.

    Shape:  4 columns: attempt, builds queued, builds ended, share of these that failed.
    Unit:   counts, share; NaN without a commit, the share also while none has ended.
    Source: earlier queued builds, finished outcomes.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("attempt", "commit_builds", "commit_outcomes", "commit_failed_share")
    group = "commit"

    def __init__(self) -> None:
        self._commits: Recent[Sequence[float]] = Recent()

    def read(self, context: Context) -> Sequence[float]:
        """Return the counts."""
        attempt, commit = float(context.traits.attempt), context.traits.commit
        if not commit:
            return (attempt, NAN, NAN, NAN)
        queued, ended, failed = self._commits.get(commit) or _NEW
        return (attempt, queued, ended, failed / ended if ended else NAN)

    def queued(self, traits: Traits) -> None:
        """Learn that the commit is being built."""
        self._add(traits.commit, 1.0, 0.0, 0.0)

    def finished(self, ended: Ended) -> None:
        """Learn whether the commit passed."""
        if ended.passed or ended.failed:
            self._add(ended.traits.commit, 0.0, 1.0, float(ended.failed))

    def freeze(self) -> Tree:
        """Return the counts by commit."""
        return self._commits.freeze(list)

    def thaw(self, tree: Tree) -> None:
        """Take over the counts."""
        self._commits.thaw(tree)

    def _add(self, commit: str, *more: float) -> None:
        if commit:
            old = self._commits.get(commit) or _NEW
            self._commits.put(commit, [a + b for a, b in zip(old, more, strict=True)])
