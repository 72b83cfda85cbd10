"""Attributions: how much each group of features moved a prediction. They sum to the prediction.

Shapley values of groups, estimated by orderings: starting from a typical row, the groups of the
row in question are put in one after another, and each gets the difference it makes. In every
ordering these differences add up to score(row) - score(baseline), so their mean does too, however
few orderings are drawn. Orderings come in pairs, one the reverse of the other.

References:
    Strumbelj, Kononenko, "Explaining prediction models and individual predictions with feature
    contributions", 2014; Mitchell et al., "Sampling Permutations for Shapley Value Estimation",
    2022 (reversed pairs).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Score = Callable[[NDArray[Any]], NDArray[np.floating]]
"""Rows (m, k) to scores (m,)."""

REST = "other"


def columns_of(
    features: Sequence[str], groups: Mapping[str, Sequence[str]]
) -> dict[str, NDArray[np.intp]]:
    """Return the columns of each group; features of no group are in the group `other`.

    Raises:
        ValueError: If a group names a feature that is not there, or two groups share one.
    """
    place = {name: i for i, name in enumerate(features)}
    unknown = [name for names in groups.values() for name in names if name not in place]
    grouped = [name for names in groups.values() for name in names]
    if unknown or len(set(grouped)) != len(grouped):
        raise ValueError(f"groups name unknown features {unknown}, or one feature twice")
    columns = {group: [place[name] for name in names] for group, names in groups.items() if names}
    rest = [place[name] for name in features if name not in set(grouped)]
    if rest:
        columns[REST] = columns.get(REST, []) + rest
    return {group: np.array(where, dtype=np.intp) for group, where in columns.items()}


def attribute(  # noqa: PLR0913 - the arguments of the mathematics
    score: Score,
    row: NDArray[Any],
    baseline: NDArray[Any],
    columns: Mapping[str, NDArray[np.intp]],
    *,
    orderings: int = 8,
    seed: int = 0,
) -> dict[str, float]:
    """Say how much each group moved the score of *row* away from that of *baseline*.

    Args:
        score: Called once, with all rows.
        row: The row in question (k,).
        baseline: A typical row (k,).
        columns: What `columns_of` returned: every column in one group.
        orderings: How many to draw, rounded up to an even number; all are taken if they are not
            more, and the values are then exact.
        seed: Equal seeds give equal values.

    Returns:
        Group -> its part of `score(row) - score(baseline)`; the parts add up to it. A group whose
        columns equal the baseline's gets 0.
    """
    moving = [name for name, where in columns.items() if not _equal(row[where], baseline[where])]
    if not moving:
        return dict.fromkeys(columns, 0.0)
    orders = _orders(len(moving), orderings, seed)
    path = np.repeat(baseline[None, :], len(orders) * (len(moving) + 1), axis=0)
    steps = path.reshape(len(orders), len(moving) + 1, -1)
    for number, order in enumerate(orders):
        for step, group in enumerate(order, start=1):
            where = columns[moving[group]]
            steps[number, step:, where] = row[where][:, None]
    scores = np.asarray(score(path), dtype=np.float64).reshape(len(orders), -1)
    gained = np.diff(scores, axis=1)
    total = np.zeros(len(moving))
    for order, gains in zip(orders, gained, strict=True):
        total[order] += gains
    effects = dict.fromkeys(columns, 0.0)
    return effects | dict(zip(moving, (total / len(orders)).tolist(), strict=True))


def _orders(count: int, wanted: int, seed: int) -> list[NDArray[np.intp]]:
    if count <= _MOST_GROUPS_EXACT and factorial(count) <= wanted:
        return [np.array(order, dtype=np.intp) for order in permutations(range(count))]
    rng = np.random.default_rng(seed)
    orders = []
    for _ in range((wanted + 1) // 2):
        order = rng.permutation(count).astype(np.intp)
        orders += [order, order[::-1]]
    return orders


_MOST_GROUPS_EXACT = 8


def _equal(left: NDArray[Any], right: NDArray[Any]) -> bool:
    return bool(np.array_equal(left, right, equal_nan=True))
