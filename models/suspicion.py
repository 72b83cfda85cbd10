"""Columns of a ready-made table that say more about the outcome than anybody can know before it.

Tables that others have made hold columns that were looked up afterwards, or that repeat the
outcome under another name. No honest column of CI history alone tells nearly all outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.metrics import auc, mid_ranks

LIMIT = 0.97
"""An AUC or rank correlation of one column from here on is too good to be true."""
GAP_LIMIT = 0.9
"""The same for where a column is empty: one bit, which honestly says little."""
ENOUGH = 10
"""Fewer rows than this on either side tell nothing."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def suspicious_columns(
    rows: ArrayLike,
    label: ArrayLike,
    names: Sequence[str],
    *,
    limit: float = LIMIT,
    gap_limit: float = GAP_LIMIT,
) -> tuple[str, ...]:
    """Return the columns that tell *label* implausibly well, by their values or by their gaps.

    Args:
        rows: float (n, k), NaN where unknown.
        label: bool (n,), judged by AUC, or numbers (n,), judged by Spearman's rank correlation.
        names: Of the columns (k,).
        limit: From which AUC (of either sign) or absolute correlation a column is named.
        gap_limit: From which AUC its gaps are.

    Raises:
        ValueError: If the shapes do not fit each other.
    """
    table, truth = np.asarray(rows, dtype=np.float64), np.asarray(label)
    if table.shape != (truth.size, len(names)):
        raise ValueError(f"rows {table.shape}, label {truth.shape} and {len(names)} names")
    return tuple(
        name
        for name, column in zip(names, table.T, strict=True)
        if _told_by_values(column, truth) >= limit or _told_by_gaps(column, truth) >= gap_limit
    )


def _told_by_values(column: Floats, label: NDArray[np.generic]) -> float:
    known = np.isfinite(column)
    values, truth = column[known], label[known]
    if truth.dtype == np.bool_:
        return _separation(truth.astype(np.bool_), values)
    return _spearman(values, truth.astype(np.float64))


def _told_by_gaps(column: Floats, label: NDArray[np.generic]) -> float:
    missing = np.isnan(column)
    told = _separation(missing, label.astype(np.float64))
    if label.dtype == np.bool_:
        told = max(told, _separation(label.astype(np.bool_), missing.astype(np.float64)))
    return told


def _separation(group: Bools, score: Floats) -> float:
    """AUC of *score* for *group*, whichever way it points; 0.5 with too few rows to tell."""
    if min(group.sum(), group.size - group.sum()) < ENOUGH:
        return 0.5
    area = auc(group, score)
    return max(area, 1.0 - area)


def _spearman(one: Floats, other: Floats) -> float:
    if one.size < 2 * ENOUGH or np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(abs(np.corrcoef(mid_ranks(one), mid_ranks(other))[0, 1]))
