"""How builds ended that look like this one in every way known: branch, author, trigger, files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from features.context import Context, Ended
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.newest import Lines
from features.recent import Recent
from features.traits import Traits

WINDOW = 150
"""How many ended builds of a pipeline are compared."""
PIPELINES = 64
HALF_LIFE = 60.0
"""In builds of the pipeline: how fast the say of an older one halves."""
PRIOR = 0.2
"""Weight of the pipeline's own failure rate."""

_KEEP = 2 ** (-1 / HALF_LIFE)
_SAY = np.array([2.0, 2.0, 1.0, 0.5]) / 7
"""What branch, author, trigger and kind of branch weigh where they agree."""
_FILES = 1 - float(_SAY.sum())
"""What extensions weigh that are the same."""
_AGES = _KEEP ** np.arange(WINDOW)
"""The say of each build, newest first."""
_NAMES, _TOUCHED, _SUMMED = slice(0, 4), 4, slice(5, 7)
"""Branch, author, trigger, kind of branch; extensions; 1, 1 if it failed."""


class LookAlikes(Feature):
    """Failure rate of a pipeline's recent builds, weighted by likeness to this one.

    Likeness is the weighted share of traits that agree, extensions by their Jaccard index; a build
    weighs its fourth power.

    Shape:  2 columns: failure rate, sum of weights (how much it rests on).
    Unit:   share, builds; NaN until the pipeline has an outcome.
    Source: the last `WINDOW` passed or failed builds of the pipeline.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("look_alikes_failure_rate", "look_alikes_weight")
    group = "similar_changes"

    def __init__(self) -> None:
        self._builds: Recent[Lines] = Recent(limit=PIPELINES)

    def read(self, context: Context) -> Sequence[float]:
        """Return the weighted mean over the builds."""
        known = self._builds.get(context.traits.pipeline)
        if known is None:
            return (NAN, NAN)
        words, columns = _words(context.traits), known.columns
        names = np.array(known.numbers(*words)[_NAMES])[:, None]
        files = known.words[_TOUCHED].measured(words[_TOUCHED], _shared_files)
        agree = _SAY @ (columns[_NAMES] == names) + files[columns[_TOUCHED].astype(np.intp)]
        agree *= agree
        agree *= agree
        ages, summed = _AGES[: len(known)], columns[_SUMMED]
        builds, failures = (summed @ ages).tolist()
        total, failed = (summed @ (agree * ages)).tolist()
        return ((failed + PRIOR * failures / builds) / (total + PRIOR), total)

    def finished(self, ended: Ended) -> None:
        """Learn how a build ended that passed or failed."""
        if ended.passed or ended.failed:
            self._learn(ended.traits.pipeline, _words(ended.traits), float(ended.failed))

    def freeze(self) -> Tree:
        """Return the builds by pipeline, newest first."""
        return self._builds.freeze(
            lambda lines: [[*row[_NAMES], sorted(row[_TOUCHED]), row[-1]] for row in lines.rows()]
        )

    def thaw(self, tree: Tree) -> None:
        """Take over the builds."""
        self._builds = Recent(limit=PIPELINES)
        for pipeline, rows in tree.items():
            for *names, files, failed in reversed(rows):
                self._learn(pipeline, (*names, frozenset(files)), failed)

    def _learn(self, pipeline: str, words: tuple[str | frozenset[str], ...], failed: float) -> None:
        lines = self._builds.get(pipeline) or Lines(_TOUCHED + 1, 2, limit=WINDOW)
        lines.put(*words, 1.0, failed)
        self._builds.put(pipeline, lines)


def _words(traits: Traits) -> tuple[str, str, str, str, frozenset[str]]:
    files = frozenset(traits.extensions or ())
    return (traits.branch, traits.author, traits.trigger, traits.branch_kind, files)


def _shared_files(one: frozenset[str], other: frozenset[str]) -> float:
    if one == other:
        return _FILES
    shared = len(one & other)
    return _FILES * shared / (len(one) + len(other) - shared) if shared else 0.0
