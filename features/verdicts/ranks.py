"""Where a test stands among the candidates."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from features.feature import NAN, KnownAt
from features.verdicts.feature import Candidates, TestFeature, Values

RANKED = (
    "fail_ewma_h3",
    "transition_ewma",
    "failure_rate",
    "residual_ewma",
    "failed_with_file",
    "path_similarity",
    "test_ewma_s",
)
"""Columns that are ranked; features that read them come before."""


class Ranks(TestFeature):
    """Ranks of the main scores within the candidates, from 0 (lowest) to 1 (highest).

    Ties share the mean of their ranks, so that the order of the candidates says nothing.

    Shape:  (n, 7).
    Unit:   share of the candidates with a value; NaN for those without.
    Source: columns of this row and of the other candidates.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = tuple(f"rank_{name}" for name in RANKED)
    group = "ranks"

    def read(self, candidates: Candidates) -> Values:
        """Return the ranks."""
        return np.column_stack([mid_ranks(candidates.columns[name]) for name in RANKED])


def mid_ranks(values: Values) -> Values:
    """Return the rank of each value as a share from 0 to 1, ties at their middle.

    Example:
        >>> mid_ranks(np.array([3.0, 1.0, 1.0, np.nan])).tolist()
        [1.0, 0.25, 0.25, nan]
    """
    ranks = np.full(len(values), NAN)
    known = np.flatnonzero(~np.isnan(values))
    if not known.size:
        return ranks
    order = known[np.argsort(values[known])]
    ordered = values[order]
    index = np.cumsum(np.concatenate(([False], ordered[1:] != ordered[:-1])))
    counts = np.bincount(index)
    middle = np.cumsum(counts) - (counts + 1) / 2
    ranks[order] = middle[index] / max(1, known.size - 1)
    return ranks
