"""How sure a figure is: it is measured again and again on builds drawn from those that were."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rows = NDArray[np.int64]

SHARE = 0.9
"""Share of the replicates inside an interval."""


def resamples(units: int, *, repeats: int, block: int, rng: np.random.Generator) -> Rows:
    """Draw rows with replacement, in blocks that keep neighbours together.

    Builds near each other in time resemble each other; drawn one by one they would seem to say
    more than they do. Blocks wrap around the end, so that every row is equally likely.

    Args:
        units: How many rows there are.
        repeats: How many samples to draw.
        block: Rows that stay together; 1 draws them one by one.
        rng: Where chance comes from.

    Returns:
        Row numbers (repeats, units).

    References:
        Politis and Romano, "A circular block-resampling procedure for stationary data", 1992.
    """
    length = max(1, min(block, units))
    starts = rng.integers(0, max(1, units), (repeats, -(-units // length)))
    rows = (starts[:, :, None] + np.arange(length)) % max(1, units)
    return rows.reshape(repeats, -1)[:, :units].astype(np.int64)


def weights(
    units: int, *, repeats: int, block: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw as `resamples` does and count how often each row was drawn.

    Returns:
        Counts (repeats, units); each line sums to *units*.
    """
    rows = resamples(units, repeats=repeats, block=block, rng=rng)
    places = rows + np.arange(repeats, dtype=np.int64)[:, None] * units
    counts = np.bincount(places.ravel(), minlength=repeats * units)
    return counts.reshape(repeats, units).astype(np.float64)


def block_length(units: int) -> int:
    """Return how many neighbours stay together: the cube root of how many rows there are.

    Example:
        >>> [block_length(units) for units in (1, 100, 1000)]
        [1, 5, 10]
    """
    return max(1, round(math.cbrt(units)))


def interval(replicates: ArrayLike, *, share: float = SHARE) -> tuple[float, float]:
    """Return the middle *share* of the *replicates* (b,), by percentiles.

    Returns:
        Both NaN when more than half of the replicates are undefined.
    """
    values = np.asarray(replicates, dtype=np.float64)
    known = values[np.isfinite(values)]
    if 2 * known.size < values.size or not known.size:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)
