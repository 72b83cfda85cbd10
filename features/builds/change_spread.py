"""How widely a change is spread over the repository."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from features.context import Context
from features.feature import NAN, Feature, KnownAt


class ChangeSpread(Feature):
    """Directories, depth and evenness of the change.

    Shape:  5 columns: extensions, directories, top-level directories, mean depth, entropy of the
            lines over the files (0 one file has all, 1 evenly spread).
    Unit:   counts, share; NaN if the files are not listed.
    Source: `Change.files`.

    References:
        A. E. Hassan, "Predicting faults using the complexity of code changes", 2009.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("extensions", "directories", "areas", "mean_depth", "churn_entropy")
    group = "change_spread"

    def read(self, context: Context) -> Sequence[float]:
        """Return the measures."""
        traits = context.traits
        kinds = NAN if traits.extensions is None else float(len(traits.extensions))
        if not traits.paths:
            return (kinds, NAN, NAN, NAN, NAN)
        depth = sum(path.count("/") for path in traits.paths) / len(traits.paths)
        lines = [file.lines_added + file.lines_deleted for file in context.files]
        return (
            kinds,
            float(len(traits.directories)),
            float(len(traits.areas)),
            depth,
            entropy(lines),
        )


def entropy(counts: Sequence[int]) -> float:
    """Return the entropy of *counts* as a share of the greatest possible.

    Example:
        >>> entropy([5, 5]), entropy([7, 0]), entropy([])
        (1.0, 0.0, 0.0)
    """
    total = sum(counts)
    if total == 0 or len(counts) < 2:  # noqa: PLR2004 - one file has no spread
        return 0.0
    shares = [count / total for count in counts if count]
    return sum(share * -math.log(share) for share in shares) / math.log(len(counts))
