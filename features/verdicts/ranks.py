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
        return mid_ranks(np.array([candidates.columns[name] for name in RANKED])).T


def mid_ranks(values: Values) -> Values:
    """Return the rank of each value within its row (m, n), from 0 to 1, ties at their middle.

    Example:
        >>> mid_ranks(np.array([[3.0, 1.0, 1.0, np.nan]])).tolist()
        [[1.0, 0.25, 0.25, nan]]
    """
    ranks = np.full(values.shape, NAN)
    if not values.size:
        return ranks
    order = np.argsort(values, axis=1)  # NaN comes last
    ordered = np.take_along_axis(values, order, axis=1)
    known = values.shape[1] - np.count_nonzero(np.isnan(ordered), axis=1)
    begins = np.ones(values.shape, dtype=np.bool_)
    begins[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    group = np.cumsum(begins.ravel()) - 1
    first = np.flatnonzero(begins)
    count = np.diff(first, append=values.size)
    middle = first % values.shape[1] + (count - 1) / 2
    shares = middle[group].reshape(values.shape) / np.maximum(1, known - 1)[:, None]
    shares[np.arange(values.shape[1]) >= known[:, None]] = NAN
    np.put_along_axis(ranks, order, shares, axis=1)
    return ranks
