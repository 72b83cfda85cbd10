"""What part of a suite's time catches: tests in an order, run until the time is spent."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Order = NDArray[np.int64]
_LEAST_S = 1e-3
_ROUNDING = 1 + 1e-9


def filled(expected_s: Floats) -> Floats:
    """Return expected seconds (m,) without gaps: the median of those known, or 1 s."""
    known = np.isfinite(expected_s)
    usual = float(np.median(expected_s[known])) if known.any() else 1.0
    return np.where(known, np.maximum(expected_s, 0.0), usual)


def per_cost(score: Floats, expected_s: Floats) -> Floats:
    """Weigh scores (m,) against expected seconds (m,) without gaps, as time targets do."""
    return np.asarray(score / np.sqrt(np.maximum(expected_s, _LEAST_S)), dtype=np.float64)


def spent_shares(order: Order, cost_s: Floats) -> Floats:
    """Return the share of all time that is spent when each test (m,) has finished.

    Args:
        order: Test numbers (m,), first to last.
        cost_s: Seconds each test took (m,).

    Returns:
        By test number (m,); 0 for all when no test took any time.
    """
    total = float(cost_s.sum())
    shares = np.zeros(len(cost_s), dtype=np.float64)
    if total > 0:
        shares[order] = np.cumsum(cost_s[order]) / total
    return shares


def ran_within(order: Order, cost_s: Floats, *, share: float) -> NDArray[np.bool_]:
    """Whether each test (m,) has finished within *share* of the time of all."""
    return np.asarray(spent_shares(order, cost_s) <= share * _ROUNDING, dtype=np.bool_)


def napfd(failed: ArrayLike, order: Order, cost_s: ArrayLike, *, share: float) -> float:
    """Normalised APFD of an *order* of which only *share* of the time may run.

    A test that no longer fits is left out, and the next that does is run, as in the reference.

    Args:
        failed: Whether each test fails (m,).
        order: Test numbers (m,), first to last.
        cost_s: Seconds each takes (m,).
        share: Of the time of all tests.

    Returns:
        `p - sum of ranks / (m * failing) + p / 2m` with `p` the share of failing tests that ran;
        1 when nothing fails, 0 when nothing that fails ran.

    References:
        Spieker et al., "Reinforcement Learning for Automatic Test Case Prioritization and
        Selection in Continuous Integration", 2017; Qu et al., 2007.
    """
    failing, costs = np.asarray(failed, dtype=np.bool_), np.asarray(cost_s, dtype=np.float64)
    if not failing.any():
        return 1.0
    ran = _fitting(order, costs, share * float(costs.sum()) * _ROUNDING)
    ranks = np.flatnonzero(failing[ran]) + 1
    caught = len(ranks) / int(failing.sum())
    lost = float(ranks.sum()) / (failing.size * int(failing.sum()))
    return caught - lost + caught / (2 * failing.size)


def _fitting(order: Order, cost_s: Floats, budget_s: float) -> Order:
    left, ran = budget_s, []
    for test, cost in zip(order.tolist(), cost_s[order].tolist(), strict=True):
        if cost <= left:
            left -= cost
            ran.append(test)
    return np.asarray(ran, dtype=np.int64)
