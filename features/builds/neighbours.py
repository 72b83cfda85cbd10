"""What came of the builds whose changes look most like this one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from features.builds.durations import log_seconds
from features.context import Context, Ended
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.recent import Recent
from features.traits import Traits

WINDOW = 100
"""How many ended builds of a pipeline are compared."""
PIPELINES = 64
SHARPNESS = 4
"""Power of the likeness: high, so that only close neighbours count."""
OTHER_TRIGGER = 0.25
"""Weight of a build that was started for another reason."""

Neighbour = tuple[frozenset[str], str, float, float]
"""What a build touched, its trigger, 1 if it failed, logarithm of its duration or NaN."""


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
        self._builds: Recent[list[Neighbour]] = Recent(limit=PIPELINES)

    def read(self, context: Context) -> Sequence[float]:
        """Return the weighted means over the neighbours."""
        touched = _touched(context.traits)
        if touched is None:
            return (NAN, NAN, NAN)
        trigger = context.traits.trigger
        total = failed = weight_s = logs = 0.0
        weights: dict[frozenset[str], float] = {}
        for other, why, failing, size in self._builds.get(context.traits.pipeline) or ():
            weight = weights.get(other, -1.0)
            if weight < 0:
                weight = weights[other] = _likeness(touched, other) ** SHARPNESS
            if weight == 0.0:
                continue
            weight *= 1.0 if why == trigger else OTHER_TRIGGER
            total += weight
            failed += weight * failing
            if not math.isnan(size):
                weight_s += weight
                logs += weight * size
        return (
            math.exp(logs / weight_s) if weight_s else NAN,
            failed / total if total else NAN,
            total,
        )

    def finished(self, ended: Ended) -> None:
        """Learn what came of a build that passed or failed."""
        touched = _touched(ended.traits)
        if touched is None or not (ended.passed or ended.failed):
            return
        size = log_seconds(ended.duration_s) if ended.passed else NAN
        neighbour = (touched, ended.traits.trigger, float(ended.failed), size)
        pipeline = ended.traits.pipeline
        self._builds.put(pipeline, [neighbour, *(self._builds.get(pipeline) or ())][:WINDOW])

    def freeze(self) -> Tree:
        """Return the neighbours by pipeline, newest first."""
        return self._builds.freeze(lambda builds: [[sorted(b[0]), *b[1:]] for b in builds])

    def thaw(self, tree: Tree) -> None:
        """Take over the neighbours."""
        self._builds.thaw(tree, lambda rows: [(frozenset(r[0]), r[1], r[2], r[3]) for r in rows])


def _touched(traits: Traits) -> frozenset[str] | None:
    if traits.extensions is None:
        return None
    return frozenset((*traits.extensions, *(f"{area}/" for area in traits.areas)))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    if one == other:
        return 1.0
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0
