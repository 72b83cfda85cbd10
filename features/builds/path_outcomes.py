"""How builds ended that touched the same files, directories or kinds of files."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar

from features.builds.outcomes import Outcomes
from features.context import Context, Ended
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.recent import Recent
from features.traits import Traits

HALF_LIFE = 20.0
"""In builds that touched the path."""
PRIOR = 2.0
_KEEP = 2 ** (-1 / HALF_LIFE)


class PathOutcomes(Feature):
    """Failure rates of what a change touches, each shrunk to the pipeline's rate.

    Shape:  4 columns: highest and mean failure rate over what is touched, share of it that was
            never built before, mean number of builds (halving with `HALF_LIFE`) that touched it.
    Unit:   shares, builds; NaN if nothing is known of the files.
    Source: `BuildOutcome.status` of builds of any pipeline that had finished.

    Args:
        of: What is touched, in the names of the columns.
        touched: Gives the names of what a build touches; empty if unknown.
        pipeline: The pipeline's outcomes.
    """

    known_at: ClassVar[KnownAt] = "queued"
    group = "path_outcomes"

    def __init__(
        self, of: str, touched: Callable[[Traits], Sequence[str]], pipeline: Outcomes
    ) -> None:
        self.names = (
            f"{of}_failure_rate_max",
            f"{of}_failure_rate_mean",
            f"{of}_new_share",
            f"{of}_builds_mean",
        )
        self._touched = touched
        self._pipeline = pipeline
        self._rows: Recent[list[float]] = Recent()

    def read(self, context: Context) -> Sequence[float]:
        """Return the statistics over everything the change touches."""
        touched = self._touched(context.traits)
        if not touched:
            return (NAN, NAN, NAN, NAN)
        rows = [row for name in touched if (row := self._rows.get(name))]
        seen = sum(row[1] for row in rows) / len(touched)
        new = 1 - len(rows) / len(touched)
        if not rows:
            return (NAN, NAN, new, seen)
        prior = self._pipeline.rate(context.traits)
        known = 0.0 if math.isnan(prior) else PRIOR
        pull = known * prior if known else 0.0
        rates = [(row[0] + pull) / (row[1] + known) for row in rows]
        return (max(rates), sum(rates) / len(rates), new, seen)

    def finished(self, ended: Ended) -> None:
        """Learn whether a build passed or failed, for everything it touched."""
        if not (ended.passed or ended.failed):
            return
        failed = float(ended.failed)
        for name in self._touched(ended.traits):
            row = self._rows.get(name)
            old = row or (0.0, 0.0)
            self._rows.put(name, [old[0] * _KEEP + failed, old[1] * _KEEP + 1])

    def freeze(self) -> Tree:
        """Return failures and builds, both fading, by name."""
        return self._rows.freeze()

    def thaw(self, tree: Tree) -> None:
        """Take over the rows."""
        self._rows.thaw(tree)


def touched_files(traits: Traits) -> Sequence[str]:
    """Return the changed paths."""
    return traits.paths


def touched_directories(traits: Traits) -> Sequence[str]:
    """Return the directories of the changed paths."""
    return traits.directories


def touched_areas(traits: Traits) -> Sequence[str]:
    """Return the top-level directories of the changed paths."""
    return traits.areas


def touched_extensions(traits: Traits) -> Sequence[str]:
    """Return the extensions of the changed paths."""
    return traits.extensions or ()
