"""How this change compares with the one that failed last, and how that one failed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from features.context import Context, Ended
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.keys import by_branch
from features.recent import Recent
from features.traits import Traits

PASSES_HALF_LIFE = 5.0
_ALPHA = 1 - 2 ** (-1 / PASSES_HALF_LIFE)
_LEAST_S = 1.0

Failure = tuple[frozenset[str], str, float]
"""What the failed build touched, its author, logarithm of its duration over that of passes."""


class LastFailure(Feature):
    """The branch's last failure, or the pipeline's where the branch has none.

    A build that fails early fails for a plain reason; one that fails late may be flaky. Who
    touches the same things again is mending them.

    Shape:  3 columns: likeness (Jaccard) of what is touched, whether the author is the same,
            logarithm of the failed build's duration over the usual one of passes.
    Unit:   share, flag, logarithm; NaN without a failure, or without what it takes to compare.
    Source: failed builds that had finished.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("last_failure_likeness", "last_failure_same_author", "last_failure_log_duration")
    group = "branch_outcomes"

    def __init__(self) -> None:
        self._failures: Recent[Failure] = Recent(limit=1_024)
        self._pass_log_s: Recent[float] = Recent(limit=256)

    def read(self, context: Context) -> Sequence[float]:
        """Compare with the last failure."""
        traits = context.traits
        last = self._failures.get(by_branch(traits) or traits.pipeline)
        last = last or self._failures.get(traits.pipeline)
        if last is None:
            return (NAN, NAN, NAN)
        touched, author, size = last
        same = float(author == traits.author) if author and traits.author else NAN
        return (_likeness(touched, _touched(traits)), same, size)

    def finished(self, ended: Ended) -> None:
        """Learn what failed and how long passes take."""
        traits = ended.traits
        size = math.log(max(_LEAST_S, ended.duration_s))
        usual = self._pass_log_s.get(traits.pipeline)
        if ended.passed:
            moved = size if usual is None else usual + _ALPHA * (size - usual)
            self._pass_log_s.put(traits.pipeline, moved)
        elif ended.failed:
            ratio = NAN if usual is None else size - usual
            failure = (_touched(traits), traits.author, ratio)
            for name in dict.fromkeys((by_branch(traits) or traits.pipeline, traits.pipeline)):
                self._failures.put(name, failure)

    def freeze(self) -> Tree:
        """Return the failures by branch and pipeline, and the usual durations."""
        failures = self._failures.freeze(lambda row: [sorted(row[0]), *row[1:]])
        return [failures, self._pass_log_s.freeze()]

    def thaw(self, tree: Tree) -> None:
        """Take over both."""
        self._failures.thaw(tree[0], lambda row: (frozenset(row[0]), row[1], row[2]))
        self._pass_log_s.thaw(tree[1])


def _touched(traits: Traits) -> frozenset[str]:
    return frozenset(traits.paths or traits.extensions or ())


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one and other else NAN
