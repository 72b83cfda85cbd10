"""How long builds of a kind took lately."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import ClassVar

from features.context import Context, Ended
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.keys import KeyOf
from features.recent import Recent

WINDOW = 7
SHORT_WINDOW = 3
HALF_LIFE = 5.0
"""In passed builds: how fast the weight of a duration in the smoothed one halves."""
KEPT = 256
"""Statistics of so many keys are kept until another build of the key has passed."""

_ALPHA = 1 - 2 ** (-1 / HALF_LIFE)
_NEVER = (NAN,) * 7


class Durations(Feature):
    """Durations of the last passed builds with the same key; a failed build ends early.

    Shape:  7 columns, and one a lag: last, mean of 3 and 7, median of 3 and 7, smoothed, spread.
    Unit:   seconds; the smoothed one is a geometric mean, the spread a deviation of logarithms.
    Source: `BuildOutcome.duration_s` of passed builds that had finished.

    Args:
        of: What the key is called, in the names of the columns.
        by: The key.
        lags: How many of the last durations become columns of their own.
    """

    known_at: ClassVar[KnownAt] = "queued"

    def __init__(self, of: str, by: KeyOf, *, lags: int = 1) -> None:
        self.group = f"{of}_durations"
        self.names = (
            f"{of}_last_s",
            f"{of}_mean3_s",
            f"{of}_mean7_s",
            f"{of}_median3_s",
            f"{of}_median7_s",
            f"{of}_ewma_s",
            f"{of}_spread",
            *(f"{of}_lag{lag}_s" for lag in range(2, lags + 1)),
        )
        self._by = by
        self._lags = lags
        self._rows: Recent[list[float]] = Recent()
        self._read: dict[str, tuple[float, ...]] = {}

    def read(self, context: Context) -> Sequence[float]:
        """Return the statistics of the key's last durations."""
        name = self._by(context.traits)
        row = None if name is None else self._rows.get(name)
        if name is None or row is None:
            return (*_NEVER, *[NAN] * (self._lags - 1))
        values = self._read.get(name)
        if values is None:
            values = self._statistics(row)
            if len(self._read) >= KEPT:
                self._read = {}
            self._read[name] = values
        return values

    def _statistics(self, row: list[float]) -> tuple[float, ...]:
        last, short = row[1:], row[1 : 1 + SHORT_WINDOW]
        lags = last[1 : self._lags]
        return (
            last[0],
            sum(short) / len(short),
            sum(last) / len(last),
            median(short),
            median(last),
            math.exp(row[0]),
            spread(last),
            *lags,
            *[NAN] * (self._lags - 1 - len(lags)),
        )

    def finished(self, ended: Ended) -> None:
        """Learn the duration of a build that passed."""
        name = self._by(ended.traits)
        if name is None or not ended.passed:
            return
        self._read.pop(name, None)
        row = self._rows.get(name)
        size = log_seconds(ended.duration_s)
        if row is None:
            self._rows.put(name, [size, ended.duration_s])
            return
        smoothed = row[0] + _ALPHA * (size - row[0])
        self._rows.put(name, [smoothed, ended.duration_s, *row[1:WINDOW]])

    def freeze(self) -> Tree:
        """Return the rows by key: smoothed logarithm, then the last durations, newest first."""
        return self._rows.freeze()

    def thaw(self, tree: Tree) -> None:
        """Take over the rows."""
        self._read = {}
        self._rows.thaw(tree)


def log_seconds(duration_s: float) -> float:
    """Return the logarithm of a duration; what is shorter than a second counts as one."""
    return math.log(max(duration_s, 1.0))


def spread(durations_s: Sequence[float]) -> float:
    """Return the standard deviation of the logarithms; NaN for fewer than two.

    Example:
        >>> spread([10.0, 10.0]), spread([10.0])
        (0.0, nan)
    """
    if len(durations_s) < 2:  # noqa: PLR2004 - one value has no spread
        return NAN
    logs = [log_seconds(seconds) for seconds in durations_s]
    mean = sum(logs) / len(logs)
    return math.sqrt(sum((x - mean) ** 2 for x in logs) / (len(logs) - 1))
