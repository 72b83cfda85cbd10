"""How builds of a kind ended lately."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from features.context import Context, Ended
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.keys import KeyOf
from features.recent import Recent, key
from features.traits import Traits

HALF_LIFE = 10.0
FAST_HALF_LIFE = 3.0
"""In outcomes: how fast the weight of an outcome in a failure rate halves."""
PRIOR = 1.0
"""The parent's failure rate counts as this many outcomes of a key with few of its own."""
WINDOW = 5

_SLOW_KEEP = 2 ** (-1 / HALF_LIFE)
_FAST_KEEP = 2 ** (-1 / FAST_HALF_LIFE)
_COUNT, _SLOW, _SLOW_WEIGHT, _FAST, _FAST_WEIGHT, _SINCE, _FAILED_AT, _IN_A_ROW, _LAST = range(9)
_NEW = [0.0, 0.0, 0.0, 0.0, 0.0, NAN, NAN, 0.0]


class Outcomes(Feature):
    """Failures among the last passed and failed builds with the same key.

    Shape:  8 columns, and one a lag: failure rates (slow and fast half-life, last five), whether
            the last build failed, failures in a row, builds and hours since the last failure
            (0 builds: the last one failed), outcomes seen.
    Unit:   shares, counts, hours; NaN until the key has an outcome, or has failed.
    Source: `BuildOutcome.status` of builds that had finished.

    Args:
        of: What the key is called, in the names of the columns.
        by: The key.
        lags: How many of the last outcomes become columns of their own.
        parent: Whose failure rate a key with few outcomes is drawn to.
        group: What the columns are about; by default the outcomes of what the key is called.
    """

    known_at: ClassVar[KnownAt] = "queued"

    def __init__(
        self,
        of: str,
        by: KeyOf,
        *,
        lags: int = 1,
        parent: Outcomes | None = None,
        group: str = "",
    ) -> None:
        self.group = group or f"{of}_outcomes"
        self.names = (
            f"{of}_failure_rate_ewma",
            f"{of}_failure_rate_fast",
            f"{of}_failure_rate_5",
            f"{of}_last_failed",
            f"{of}_failures_in_a_row",
            f"{of}_builds_since_failure",
            f"{of}_hours_since_failure",
            f"{of}_outcomes",
            *(f"{of}_failed_{lag}" for lag in range(2, lags + 1)),
        )
        self._by = by
        self._lags = lags
        self._parent = parent
        self._rows: Recent[list[float]] = Recent()

    def read(self, context: Context) -> Sequence[float]:
        """Return the statistics of the key's outcomes."""
        traits = context.traits
        name = self._by(traits)
        row = None if name is None else self._rows.get(name)
        if row is None:
            seen = NAN if name is None else 0.0
            return (*[NAN] * 7, seen, *[NAN] * (self._lags - 1))
        last, prior = row[_LAST:], self._prior(traits)
        lags = last[1 : self._lags]
        return (
            _shrunk(row[_SLOW], row[_SLOW_WEIGHT], prior),
            _shrunk(row[_FAST], row[_FAST_WEIGHT], prior),
            sum(last) / len(last),
            last[0],
            row[_IN_A_ROW],
            row[_SINCE],
            max(0.0, traits.at - row[_FAILED_AT]) / 3_600 if row[_SINCE] >= 0 else NAN,
            row[_COUNT],
            *lags,
            *[NAN] * (self._lags - 1 - len(lags)),
        )

    def rate(self, traits: Traits) -> float:
        """Return the slow failure rate of the key of *traits*; NaN if it has no outcome."""
        name = self._by(traits)
        row = None if name is None else self._rows.get(name)
        return NAN if row is None else _shrunk(row[_SLOW], row[_SLOW_WEIGHT], self._prior(traits))

    def finished(self, ended: Ended) -> None:
        """Learn whether a build passed or failed."""
        name = self._by(ended.traits)
        if name is None or not (ended.passed or ended.failed):
            return
        failed = float(ended.failed)
        row = self._rows.get(name) or _NEW
        self._rows.put(
            name,
            [
                row[_COUNT] + 1,
                row[_SLOW] * _SLOW_KEEP + failed,
                row[_SLOW_WEIGHT] * _SLOW_KEEP + 1,
                row[_FAST] * _FAST_KEEP + failed,
                row[_FAST_WEIGHT] * _FAST_KEEP + 1,
                0.0 if failed else row[_SINCE] + 1,
                ended.finished_at if failed else row[_FAILED_AT],
                row[_IN_A_ROW] + 1 if failed else 0.0,
                failed,
                *row[_LAST : _LAST + WINDOW - 1],
            ],
        )

    def freeze(self) -> Tree:
        """Return the rows by key."""
        return self._rows.freeze()

    def thaw(self, tree: Tree) -> None:
        """Take over the rows."""
        self._rows.thaw(tree)

    def _prior(self, traits: Traits) -> float:
        return NAN if self._parent is None else self._parent.rate(traits)


def _shrunk(failures: float, weight: float, prior: float) -> float:
    if math.isnan(prior):
        return failures / weight
    return (failures + PRIOR * prior) / (weight + PRIOR)


def by_line(traits: Traits) -> str | None:
    """Builds of the same branch or pull request, in any pipeline."""
    return key(traits.branch) if traits.branch else None


class MainOutcomes(Outcomes):
    """Outcomes of the pipeline on its main branch, read by builds of any branch."""

    known_at: ClassVar[KnownAt] = "queued"

    def finished(self, ended: Ended) -> None:
        """Learn whether a build of a main branch passed or failed."""
        if ended.traits.branch_kind == "main":
            super().finished(ended)
