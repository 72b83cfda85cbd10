"""From raw scores to honest numbers: Platt scaling, fitted in pure numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def sigmoid(logit: ArrayLike) -> Floats:
    """Return 1 / (1 + exp(-logit)) without overflow."""
    x = np.asarray(logit, dtype=np.float64)
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def logit(probability: ArrayLike, *, edge: float = 1e-6) -> Floats:
    """Return the logit of probabilities, kept *edge* away from 0 and 1."""
    p = np.clip(np.asarray(probability, dtype=np.float64), edge, 1 - edge)
    return np.asarray(np.log(p) - np.log1p(-p), dtype=np.float64)


def platt(score: ArrayLike, a: float, b: float) -> Floats:
    """Return the calibrated probability of a raw logit *score*."""
    return sigmoid(a * np.asarray(score, dtype=np.float64) + b)


def fit_platt(
    score: ArrayLike, positive: ArrayLike, *, weight: ArrayLike | None = None, steps: int = 50
) -> tuple[float, float]:
    """Fit `platt`'s *a* and *b* by Newton's method, with Platt's smoothed targets.

    Args:
        score: Raw logits (n,) of rows the model has not learned from.
        positive: What happened (n,).
        weight: Of each row (n,), 1 by default.
        steps: At most so many.

    Returns:
        `(a, b)` with a > 0, so that the order of scores stays; with one class only `(1, b)`.

    References:
        J. Platt, "Probabilistic Outputs for Support Vector Machines", 1999.
    """
    x, truth = np.asarray(score, dtype=np.float64), np.asarray(positive, dtype=np.bool_)
    w = np.ones_like(x) if weight is None else np.asarray(weight, dtype=np.float64)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    sloped = bool(positives and negatives)
    columns = np.stack([x, np.ones_like(x)], axis=1)
    found = np.array([1.0, 0.0])
    free = np.array([sloped, True])
    for _ in range(steps):
        found, moved = _newton(columns, target, w, found, free)
        if moved < 1e-9:  # noqa: PLR2004 - far below what a probability can show
            break
    if found[0] <= 0:  # the scores order the rows backwards: say the base rate, keep the order
        return 1e-3, float(logit(np.average(target, weights=w))) if x.size else 0.0
    return float(found[0]), float(found[1])


def _newton(
    columns: Floats, target: Floats, weight: Floats, at: Floats, free: NDArray[np.bool_]
) -> tuple[Floats, float]:
    p = sigmoid(columns @ at)
    slope = columns.T @ (weight * (p - target))
    bend = (columns * (weight * p * (1 - p))[:, None]).T @ columns + 1e-9 * np.eye(2)
    step = np.zeros(2)
    chosen = np.ix_(free, free)
    step[free] = np.linalg.solve(bend[chosen], slope[free])
    step = np.clip(step, -2, 2)
    return at - step, float(np.abs(step).max())
