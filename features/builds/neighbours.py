"""What came of the builds whose changes look most like this one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from features.builds.durations import log_seconds
from features.context import Context, Ended
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.newest import Lines
from features.recent import Recent
from features.traits import Traits

WINDOW = 100
"""How many ended builds of a pipeline are compared."""
PIPELINES = 64
SHARPNESS = 4
"""Power of the likeness: high, so that only close neighbours count."""
OTHER_TRIGGER = 0.25
"""Weight of a build that was started for another reason."""

_TOUCHED, _WHY, _SUMMED = 0, 1, slice(2, 6)
"""What a build touched, its trigger; 1, 1 if it failed, 1 if it passed, logarithm of its duration.

The duration is 0 of a build that failed.
"""


class Neighbours(Feature):
    """Duration and failure rate of recent builds, weighted by likeness of what they touch.

    Likeness is the Jaccard index of the sets of extensions and top-level directories.

    Shape:  3 columns: duration, failure rate, sum of weights (how much the others rest on).
    Unit:   seconds, share, builds; NaN if nothing is known of the files.
    Source: the last `WINDOW` passed or failed builds of the pipeline.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("neighbours_s", "neighbours_failure_rate", "neighbours_weight")
    group = "similar_changes"

    def __init__(self) -> None:
        self._builds: Recent[Lines] = Recent(limit=PIPELINES)

    def read(self, context: Context) -> Sequence[float]:
        """Return the weighted means over the neighbours."""
        touched = _touched(context.traits)
        if touched is None:
            return (NAN, NAN, NAN)
        known = self._builds.get(context.traits.pipeline)
        if known is None:
            return (NAN, NAN, 0.0)
        columns, trigger = known.columns, known.words[_WHY].number(context.traits.trigger)
        weight = known.words[_TOUCHED].measured(touched, _weight)[columns[_TOUCHED].astype(np.intp)]
        weight *= np.where(columns[_WHY] == trigger, 1.0, OTHER_TRIGGER)
        total, failed, passed, logs = (columns[_SUMMED] @ weight).tolist()
        return (
            math.exp(logs / passed) if passed else NAN,
            failed / total if total else NAN,
            total,
        )

    def finished(self, ended: Ended) -> None:
        """Learn what came of a build that passed or failed."""
        touched = _touched(ended.traits)
        if touched is None or not (ended.passed or ended.failed):
            return
        size = log_seconds(ended.duration_s) if ended.passed else NAN
        self._learn(ended.traits.pipeline, touched, ended.traits.trigger, size)

    def freeze(self) -> Tree:
        """Return the neighbours by pipeline, newest first."""
        return self._builds.freeze(lambda lines: [_frozen(row) for row in lines.rows()])

    def thaw(self, tree: Tree) -> None:
        """Take over the neighbours."""
        self._builds = Recent(limit=PIPELINES)
        for pipeline, rows in tree.items():
            for touched, trigger, _, size in reversed(rows):
                self._learn(pipeline, frozenset(touched), trigger, size)

    def _learn(self, pipeline: str, touched: frozenset[str], trigger: str, size: float) -> None:
        """Take over a build with the logarithm of its duration, NaN if it failed."""
        lines = self._builds.get(pipeline) or Lines(2, 4, limit=WINDOW)
        failed = math.isnan(size)
        lines.put(touched, trigger, 1.0, float(failed), float(not failed), 0.0 if failed else size)
        self._builds.put(pipeline, lines)


def _frozen(row: list[Any]) -> Tree:
    touched, trigger, _, failed, _, size = row
    return [sorted(touched), trigger, failed, NAN if failed else size]


def _weight(one: frozenset[str], other: frozenset[str]) -> float:
    return _likeness(one, other) ** SHARPNESS


def _touched(traits: Traits) -> frozenset[str] | None:
    if traits.extensions is None:
        return None
    return frozenset((*traits.extensions, *(f"{area}/" for area in traits.areas)))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    if one == other:
        return 1.0
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0
