"""How good predictions are: pure functions from what happened and what was said to a number.

A metric that its input leaves undefined (one class only, nothing failed) is NaN, never a guess.
Tied scores are worth their expectation over all orders of the tie, so that nothing hangs on the
order in which rows happen to come.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def pinball(y: ArrayLike, quantiles: ArrayLike, *, levels: Sequence[float]) -> float:
    """Mean pinball loss of *quantiles* (n, q) against *y* (n,), in the unit of *y*.

    Example:
        >>> pinball([2.0], [[1.0]], levels=(0.9,))
        0.9
    """
    error = _floats(y)[:, None] - _floats(quantiles)
    level = np.asarray(levels, dtype=np.float64)
    return _mean(np.maximum(level * error, (level - 1) * error))


def coverage(y: ArrayLike, low: ArrayLike, high: ArrayLike) -> float:
    """Share of *y* (n,) that lies within `[low, high]`, borders included."""
    actual = _floats(y)
    return _mean((actual >= _floats(low)) & (actual <= _floats(high)))


def mae(y: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute error, in the unit of *y*."""
    return _mean(np.abs(_floats(y) - _floats(predicted)))


def median_error(y: ArrayLike, predicted: ArrayLike) -> float:
    """Median absolute error, in the unit of *y*."""
    error = np.abs(_floats(y) - _floats(predicted))
    return float(np.median(error)) if error.size else float("nan")


def rmse(y: ArrayLike, predicted: ArrayLike) -> float:
    """Root of the mean squared error, in the unit of *y*."""
    return float(np.sqrt(_mean((_floats(y) - _floats(predicted)) ** 2)))


def auc(positive: ArrayLike, score: ArrayLike) -> float:
    """Area under the ROC curve: P(score of a positive > score of a negative), ties count half."""
    truth, scores = _bools(positive), _floats(score)
    positives = int(truth.sum())
    negatives = truth.size - positives
    if not positives or not negatives:
        return float("nan")
    ranks = mid_ranks(scores)
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / positives / negatives)


def average_precision(positive: ArrayLike, score: ArrayLike) -> float:
    """Mean precision over the thresholds, weighted by the recall that each adds."""
    truth = _bools(positive)
    if not truth.any():
        return float("nan")
    hits, shown, _ = _curve(truth, _floats(score))
    gained = np.diff(hits, prepend=0)
    return float((gained * hits / shown).sum() / truth.sum())


def brier(positive: ArrayLike, probability: ArrayLike) -> float:
    """Mean squared distance of *probability* from what happened."""
    return _mean((_floats(probability) - _bools(positive)) ** 2)


def log_loss(positive: ArrayLike, probability: ArrayLike) -> float:
    """Mean surprise at what happened, in nats; nothing said counts as surer than 0.999999."""
    said = np.clip(_floats(probability), 1e-6, 1 - 1e-6)
    return _mean(-np.log(np.where(_bools(positive), said, 1 - said)))


def expected_calibration_error(
    positive: ArrayLike, probability: ArrayLike, *, bins: int = 10
) -> float:
    """Mean distance between said and seen frequency over equally wide bins, weighted by size."""
    truth, said = _bools(positive).astype(np.float64), _floats(probability)
    if not said.size:
        return float("nan")
    place = np.clip((said * bins).astype(np.int64), 0, bins - 1)
    gaps = np.bincount(place, said, bins) - np.bincount(place, truth, bins)
    return float(np.abs(gaps).sum() / said.size)


def f1(positive: ArrayLike, predicted: ArrayLike) -> float:
    """F1 score of the positive class; 0 when nothing was caught, NaN when there was nothing."""
    truth, said = _bools(positive), _bools(predicted)
    if not truth.any():
        return float("nan")
    return float(2 * (truth & said).sum() / (truth.sum() + said.sum()))


def best_f1_threshold(positive: ArrayLike, score: ArrayLike) -> float:
    """Threshold with the best F1 for `score >= threshold`; choose it on training rows only.

    Returns:
        The highest of the best thresholds; NaN when there is no positive.
    """
    truth = _bools(positive)
    if not truth.any():
        return float("nan")
    hits, shown, thresholds = _curve(truth, _floats(score))
    return float(thresholds[np.argmax(2 * hits / (truth.sum() + shown))])


def saved_at_recall(positive: ArrayLike, score: ArrayLike, *, recall: float = 0.95) -> float:
    """Share of builds that could be left out with *recall* of the positives still caught."""
    truth = _bools(positive)
    if not truth.any():
        return float("nan")
    hits, shown, _ = _curve(truth, _floats(score))
    first = np.argmax(hits >= recall * truth.sum() - 1e-9)
    return float(1 - shown[first] / truth.size)


def mid_ranks(values: ArrayLike) -> Floats:
    """Rank *values* (n,) from 1 ascending; tied values share the mean of their ranks."""
    array = _floats(values)
    _, group, counts = np.unique(array, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[group], dtype=np.float64)


def _curve(truth: Bools, score: Floats) -> tuple[Floats, Floats, Floats]:
    """Positives and rows at or above each distinct score, from the highest score down."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    last = np.append(np.flatnonzero(np.diff(ordered)), ordered.size - 1)
    hits = np.cumsum(truth[order])[last].astype(np.float64)
    return hits, (last + 1).astype(np.float64), ordered[last]


def _floats(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _bools(values: ArrayLike) -> Bools:
    return np.asarray(values, dtype=np.bool_)


def _mean(values: NDArray[np.float64] | NDArray[np.bool_]) -> float:
    return float(values.mean()) if values.size else float("nan")
