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
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Score = Callable[[NDArray[Any]], NDArray[np.floating]]
"""Rows (m, k) to scores (m,)."""
Floats = NDArray[np.float64]
Sets = NDArray[np.bool_]
"""Which of g groups are put in, m times: (m, g)."""

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
        score: Called once, with every row that is on the way of some ordering.
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
    moving = _moving(row, baseline, columns)
    owner = np.zeros(len(row), dtype=np.intp)  # a column that no moving group has is equal
    for place, name in enumerate(moving):
        owner[columns[name]] = place

    def of_sets(taken: Sets) -> NDArray[np.floating]:
        return score(np.where(taken.take(owner, axis=1), row, baseline))

    return dict.fromkeys(columns, 0.0) | _attributed(of_sets, moving, orderings, seed)


def attribute_mixtures(  # noqa: PLR0913 - as above
    score: Callable[[Floats, Floats, Sets], NDArray[np.floating]],
    row: NDArray[Any],
    baseline: NDArray[Any],
    columns: Mapping[str, NDArray[np.intp]],
    *,
    orderings: int = 8,
    seed: int = 0,
) -> dict[str, float]:
    """Do as `attribute` for a score that begins with sums, and can share them between rows.

    Args:
        score: Called once, with *baseline*, how far each of g groups moves it (g, k), and which
            groups each of m rows has moved (m, g); returns the scores (m,).
        row: Finite, as *baseline* is.
        baseline: As there.
        columns: As there.
        orderings: As there.
        seed: As there.
    """
    moving = _moving(row, baseline, columns)
    start = np.asarray(baseline, dtype=np.float64)
    steps = np.zeros((len(moving), len(start)))
    for place, name in enumerate(moving):
        where = columns[name]
        steps[place, where] = row[where] - start[where]
    effects = _attributed(lambda taken: score(start, steps, taken), moving, orderings, seed)
    return dict.fromkeys(columns, 0.0) | effects


def _moving(
    row: NDArray[Any], baseline: NDArray[Any], columns: Mapping[str, NDArray[np.intp]]
) -> list[str]:
    differ = (row != baseline) & ~(np.isnan(row) & np.isnan(baseline))
    return [name for name, where in columns.items() if differ[where].any()]


def _attributed(
    score: Callable[[Sets], NDArray[np.floating]], moving: Sequence[str], orderings: int, seed: int
) -> dict[str, float]:
    if not moving:
        return {}
    plan = _plan(len(moving), orderings, seed)
    scores = np.asarray(score(plan.taken), dtype=np.float64)[plan.again]
    gained = np.take_along_axis(np.diff(scores, axis=1), plan.rank, axis=1)
    return dict(zip(moving, gained.mean(axis=0).tolist(), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Plan:
    """Which scores are asked for, and what they are for.

    Attributes:
        taken: The different sets of groups that are put in (m, g).
        again: Which of them comes when, in each of o orderings (o, g + 1).
        rank: When each group is put in (o, g).
    """

    taken: Sets
    again: NDArray[np.intp]
    rank: NDArray[np.intp]


@lru_cache(maxsize=128)
def _plan(count: int, orderings: int, seed: int) -> _Plan:
    """Return the plan for so many groups; orderings meet: all begin with none, and end with all."""
    rank = np.argsort(np.array(_orders(count, orderings, seed)), axis=1)
    steps = np.arange(count + 1)
    taken = (rank[:, None, :] < steps[:, None]).reshape(-1, count)
    numbers = taken @ (1 << np.arange(count)) if count < _BITS else np.arange(len(taken))
    _, first, again = np.unique(numbers, return_index=True, return_inverse=True)
    return _Plan(taken=taken[first], again=again.reshape(len(rank), count + 1), rank=rank)


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
_BITS = 63  # of an integer that numbers sets
