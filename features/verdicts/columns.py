"""Numbers kept for every test: arrays that grow by doubling and can take back one build."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from features.frozen import Tree
from features.verdicts.runs import Runs

SMALLEST = 64

Rows = NDArray[Any]


class Columns:
    """One row a test, by the test's number, and each row as it was before the test's latest build.

    Several reports of one build count as one run of a test: a later report starts again from the
    row as it was before the build (`start`), and writes what all reports say together (`put`).

    Args:
        fills: A new test's row.
        dtype: Of all columns.
        capacity: Rows to make room for at first.
    """

    __slots__ = ("_before", "_count", "_fills", "_now")

    def __init__(
        self, fills: Sequence[float], dtype: DTypeLike = np.float32, *, capacity: int = SMALLEST
    ) -> None:
        self._fills: Rows = np.array(fills, dtype=dtype)
        self._now: Rows = np.tile(self._fills, (capacity, 1))
        self._before: Rows = self._now.copy()
        self._count = 0

    def grow(self, count: int) -> None:
        """Make room for tests numbered below *count*."""
        self._count = max(self._count, count)
        missing = self._count - len(self._now)
        if missing > 0:
            more = np.tile(self._fills, (max(missing, len(self._now)), 1))
            self._now = np.concatenate((self._now, more))
            self._before = np.concatenate((self._before, more))

    def at(self, tests: NDArray[np.int32]) -> Rows:
        """Return a copy of the rows of *tests*: (n, width); -1 reads as a new test."""
        rows: Rows = self._now[tests]
        rows[tests < 0] = self._fills
        return rows

    def column(self, index: int) -> Rows:
        """Return a copy of one column, for all tests."""
        return self._now[: self._count, index].copy()

    def start(self, runs: Runs) -> Rows:
        """Return a copy of the rows as they were before the build of *runs*, and remember them."""
        return self.rewind(runs.tests, runs.again)

    def rewind(self, tests: NDArray[np.int32], again: NDArray[np.bool_]) -> Rows:
        """Return the rows of *tests*, those of *again* without their latest build; see `start`."""
        rows: Rows = self._now[tests]
        if again.any():
            rows[again] = self._before[tests[again]]
        self._before[tests] = rows
        return rows

    def put(self, tests: NDArray[np.int32], rows: Rows) -> None:
        """Write the rows of *tests*."""
        self._now[tests] = rows

    def freeze(self) -> Tree:
        """Return the rows, and those before the latest builds."""
        return [self._now[: self._count], self._before[: self._count]]

    def thaw(self, tree: Tree) -> None:
        """Take over the rows that `freeze` returned."""
        now, before = tree
        if now.shape != before.shape or now.shape[1:] != self._fills.shape:
            raise ValueError(f"columns have shape {now.shape}")
        if now.dtype != self._fills.dtype or before.dtype != now.dtype:
            raise ValueError(f"columns have type {now.dtype}")
        self._count = 0
        self._now, self._before = now, before
        if len(now) == 0:
            self._now = np.tile(self._fills, (SMALLEST, 1))
            self._before = self._now.copy()
        self.grow(len(now))
