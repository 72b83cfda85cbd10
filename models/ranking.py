"""How good an order of tests is: APFD, APFDc and what a part of the time catches.

Tied scores are worth their expectation over all orders of the tie (APFD, APFDc), or are broken as
selection breaks them (`recall_at_cost`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.metrics import mid_ranks

Floats = NDArray[np.float64]


def apfd(failed: ArrayLike, score: ArrayLike) -> float:
    """Average percentage of faults detected when tests run by falling *score*.

    Args:
        failed: Whether each test fails (n,).
        score: The higher, the earlier (n,).

    Returns:
        1 - mean rank of the failing tests / n + 1 / 2n; NaN when nothing fails.

    References:
        Rothermel et al., "Prioritizing Test Cases For Regression Testing", 2001.
    """
    failing, scores = np.asarray(failed, dtype=np.bool_), np.asarray(score, dtype=np.float64)
    if not failing.any():
        return float("nan")
    ranks = mid_ranks(-scores)
    return float(1 - ranks[failing].mean() / failing.size + 0.5 / failing.size)


def apfdc(failed: ArrayLike, score: ArrayLike, cost: ArrayLike) -> float:
    """APFD in which a test counts by its *cost* (n,): the share of cost left at detection.

    Returns:
        NaN when nothing fails or all costs are 0.

    References:
        Elbaum et al., "Incorporating Varying Test Costs and Fault Severities", 2001.
    """
    failing, scores = np.asarray(failed, dtype=np.bool_), np.asarray(score, dtype=np.float64)
    costs = np.asarray(cost, dtype=np.float64)
    if not failing.any() or costs.sum() <= 0:
        return float("nan")
    _, group = np.unique(-scores, return_inverse=True)
    per_group = np.bincount(group, costs)
    later = costs.sum() - np.cumsum(per_group)
    left = later[group] + per_group[group] / 2  # others of the tie: half before, half after
    return float(left[failing].mean() / costs.sum())


def cost_order(score: ArrayLike, cost: ArrayLike) -> NDArray[np.int64]:
    """Indices by falling *score*; of a tie the cheaper first, then the lower index."""
    scores, costs = np.asarray(score, dtype=np.float64), np.asarray(cost, dtype=np.float64)
    return np.lexsort((costs, -scores)).astype(np.int64)


def recall_at_cost(failed: ArrayLike, score: ArrayLike, cost: ArrayLike, *, share: float) -> float:
    """Share of failing tests that finish within *share* of the total cost.

    Tests run in `cost_order` until the next would not finish in time.

    Returns:
        NaN when nothing fails.
    """
    failing, costs = np.asarray(failed, dtype=np.bool_), np.asarray(cost, dtype=np.float64)
    if not failing.any():
        return float("nan")
    order = cost_order(score, costs)
    spent = np.cumsum(costs[order])
    caught = failing[order] & (spent <= share * costs.sum() * (1 + 1e-9))
    return float(caught.sum() / failing.sum())
