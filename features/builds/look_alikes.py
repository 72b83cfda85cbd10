"""How builds ended that look like this one in every way known: branch, author, trigger, files."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from operator import mul
from typing import ClassVar

from features.context import Context, Ended
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.recent import Recent
from features.traits import Traits

WINDOW = 150
"""How many ended builds of a pipeline are compared."""
PIPELINES = 64
HALF_LIFE = 60.0
"""In builds of the pipeline: how fast the say of an older one halves."""
SHARPNESS = 4
PRIOR = 0.2
"""Weight of the pipeline's own failure rate."""

_KEEP = 2 ** (-1 / HALF_LIFE)
_BRANCH, _AUTHOR, _TRIGGER, _KIND, _FILES = 2.0, 2.0, 1.0, 0.5, 1.5
_MOST = _BRANCH + _AUTHOR + _TRIGGER + _KIND + _FILES
_AGES = tuple(accumulate([_KEEP] * (WINDOW - 1), mul, initial=1.0))
"""The say of each build, newest first."""
_ALL = tuple(accumulate(_AGES))

Look = tuple[str, str, str, str, frozenset[str], float]
"""Branch, author, trigger, kind of branch, extensions, 1 if it failed."""


class LookAlikes(Feature):
    """Failure rate of a pipeline's recent builds, weighted by likeness to this one.

    Likeness is the weighted share of traits that agree, extensions by their Jaccard index.

    Shape:  2 columns: failure rate, sum of weights (how much it rests on).
    Unit:   share, builds; NaN until the pipeline has an outcome.
    Source: the last `WINDOW` passed or failed builds of the pipeline.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("look_alikes_failure_rate", "look_alikes_weight")
    group = "similar_changes"

    def __init__(self) -> None:
        self._builds: Recent[list[Look]] = Recent(limit=PIPELINES)

    def read(self, context: Context) -> Sequence[float]:
        """Return the weighted mean over the builds."""
        known = self._builds.get(context.traits.pipeline)
        if not known:
            return (NAN, NAN)
        branch, author, trigger, kind, files, _ = _look(context.traits, 0.0)
        shares: dict[frozenset[str], float] = {}
        failed = total = failed_all = 0.0
        for age, other in zip(_AGES, known, strict=False):
            share = shares.get(other[4])
            if share is None:
                share = shares[other[4]] = _shared_files(files, other[4])
            agree = _BRANCH * (branch == other[0]) + _AUTHOR * (author == other[1])
            agree += _TRIGGER * (trigger == other[2]) + _KIND * (kind == other[3])
            agree += share
            weight = age * (agree / _MOST) ** SHARPNESS
            total += weight
            if other[5]:
                failed += weight
                failed_all += age
        return ((failed + PRIOR * failed_all / _ALL[len(known) - 1]) / (total + PRIOR), total)

    def finished(self, ended: Ended) -> None:
        """Learn how a build ended that passed or failed."""
        if ended.passed or ended.failed:
            pipeline = ended.traits.pipeline
            look = _look(ended.traits, float(ended.failed))
            self._builds.put(pipeline, [look, *(self._builds.get(pipeline) or ())][:WINDOW])

    def freeze(self) -> Tree:
        """Return the builds by pipeline, newest first."""
        return self._builds.freeze(
            lambda looks: [[*look[:4], sorted(look[4]), look[5]] for look in looks]
        )

    def thaw(self, tree: Tree) -> None:
        """Take over the builds."""
        self._builds.thaw(
            tree, lambda rows: [(r[0], r[1], r[2], r[3], frozenset(r[4]), r[5]) for r in rows]
        )


def _look(traits: Traits, failed: float) -> Look:
    files = frozenset(traits.extensions or ())
    return (traits.branch, traits.author, traits.trigger, traits.branch_kind, files, failed)


def _shared_files(one: frozenset[str], other: frozenset[str]) -> float:
    if one == other:
        return _FILES
    shared = len(one & other)
    return _FILES * shared / (len(one) + len(other) - shared) if shared else 0.0
