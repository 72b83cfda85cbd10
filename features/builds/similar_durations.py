"""How long builds like this one took: the closest group, shrunk back to coarser ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import ClassVar

from features.builds.durations import log_seconds
from features.context import Context, Ended
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.recent import Recent, key
from features.traits import Traits

WINDOW = 9
PRIOR = 2.0
"""A coarser group counts as this many builds of the finer one."""


class SimilarDurations(Feature):
    """Duration of builds of the same pipeline, trigger, branch kind and set of file types.

    Each level's median is mixed with the one of the coarser level by how many builds it has seen,
    so that a group of two builds is mostly its parent and a group of nine mostly itself.

    Shape:  4 columns: the mixed duration, the closest group's own median, its size, and the
            level (0 pipeline to 3 all four alike) of the closest group with a build.
    Unit:   seconds.
    Source: `BuildOutcome.duration_s` of passed builds that had finished.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("similar_s", "similar_closest_s", "similar_builds", "similar_level")
    group = "similar_durations"

    def __init__(self) -> None:
        self._rows: Recent[list[float]] = Recent(limit=4 * 4_096)

    def read(self, context: Context) -> Sequence[float]:
        """Return the estimate from the coarsest group to the closest."""
        mixed, closest, size, deepest = NAN, NAN, 0, NAN
        for level, name in enumerate(_levels(context.traits)):
            row = self._rows.get(name)
            if row is None:
                size = 0
                continue
            own, size, deepest = median(row), len(row), float(level)
            mixed = own if math.isnan(mixed) else (size * own + PRIOR * mixed) / (size + PRIOR)
            closest = math.exp(own)
        return (math.exp(mixed), closest, float(size), deepest)

    def finished(self, ended: Ended) -> None:
        """Learn the duration of a build that passed, at every level."""
        if not ended.passed:
            return
        size = log_seconds(ended.duration_s)
        for name in _levels(ended.traits):
            self._rows.put(name, [size, *(self._rows.get(name) or ())][:WINDOW])

    def freeze(self) -> Tree:
        """Return the logarithms of the last durations by group, newest first."""
        return self._rows.freeze()

    def thaw(self, tree: Tree) -> None:
        """Take over the rows."""
        self._rows.thaw(tree)


def _levels(traits: Traits) -> tuple[str, str, str, str]:
    words = (traits.pipeline, traits.trigger, traits.branch_kind)
    return (
        key("0", traits.pipeline),
        key("1", *words[:2]),
        key("2", *words),
        key("3", *words, "?" if traits.file_types is None else traits.file_types),
    )
