"""Numbers kept for every test: arrays with little slack that can take back one build."""

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

    A column is kept in a type that holds every value it can have exactly, which may be narrower
    than what callers and frozen states see: a count takes 4 bytes, a verdict (0, 1/2, 1, NaN) 2.

    Args:
        fills: A new test's row.
        dtype: Of all columns, for callers and when frozen.
        kept: What each column is kept in; *dtype* by default.
        capacity: Rows to make room for at first.
    """

    __slots__ = ("_before", "_count", "_fills", "_kept", "_now")

    def __init__(
        self,
        fills: Sequence[float],
        dtype: DTypeLike = np.float32,
        *,
        kept: Sequence[DTypeLike] | None = None,
        capacity: int = SMALLEST,
    ) -> None:
        self._fills: Rows = np.array(fills, dtype=dtype)
        self._kept = [np.dtype(one) for one in kept or [dtype] * len(fills)]
        self._now = self._new(capacity)
        self._before = self._new(capacity)
        self._count = 0

    def grow(self, count: int) -> None:
        """Make room for tests numbered below *count*."""
        self._count = max(self._count, count)
        missing = self._count - len(self._now[0])
        if missing > 0:
            more = self._new(room(missing, of=len(self._now[0])))
            self._now = _joined(self._now, more)
            self._before = _joined(self._before, more)

    def at(self, tests: NDArray[np.int32]) -> Rows:
        """Return a copy of the rows of *tests*: (n, width); -1 reads as a new test."""
        rows = self._rows(self._now, tests)
        rows[tests < 0] = self._fills
        return rows

    def column(self, index: int) -> Rows:
        """Return a copy of one column, for all tests."""
        return self._now[index][: self._count].astype(self._fills.dtype)

    def start(self, runs: Runs) -> Rows:
        """Return a copy of the rows as they were before the build of *runs*, and remember them."""
        return self.rewind(runs.tests, runs.again)

    def rewind(self, tests: NDArray[np.int32], again: NDArray[np.bool_]) -> Rows:
        """Return the rows of *tests*, those of *again* without their latest build; see `start`."""
        rows = self._rows(self._now, tests)
        if again.any():
            rows[again] = self._rows(self._before, tests[again])
        _write(self._before, tests, rows)
        return rows

    def put(self, tests: NDArray[np.int32], rows: Rows) -> None:
        """Write the rows of *tests*."""
        _write(self._now, tests, rows)

    def freeze(self) -> Tree:
        """Return the rows, and those before the latest builds."""
        every = slice(0, self._count)
        return [self._rows(self._now, every), self._rows(self._before, every)]

    def thaw(self, tree: Tree) -> None:
        """Take over the rows that `freeze` returned."""
        now, before = tree
        if now.shape != before.shape or now.shape[1:] != self._fills.shape:
            raise ValueError(f"columns have shape {now.shape}")
        if now.dtype != self._fills.dtype or before.dtype != now.dtype:
            raise ValueError(f"columns have type {now.dtype}")
        self._count = len(now)
        self._now, self._before = self._narrowed(now), self._narrowed(before)
        if self._count == 0:
            self._now, self._before = self._new(SMALLEST), self._new(SMALLEST)

    def _new(self, count: int) -> list[Rows]:
        fills = zip(self._fills.tolist(), self._kept, strict=True)
        return [np.full(count, fill, dtype=kept) for fill, kept in fills]

    def _rows(self, columns: list[Rows], tests: NDArray[np.int32] | slice) -> Rows:
        taken = [column[tests] for column in columns]
        rows: Rows = np.empty((len(taken[0]), len(taken)), self._fills.dtype, order="F")
        for index, values in enumerate(taken):
            rows[:, index] = values
        return rows

    def _narrowed(self, rows: Rows) -> list[Rows]:
        with np.errstate(invalid="ignore", over="ignore"):
            kept = zip(rows.T, self._kept, strict=True)
            columns = [column.astype(dtype) for column, dtype in kept]
        if not np.array_equal(self._rows(columns, slice(None)), rows, equal_nan=True):
            raise ValueError("columns have values that they cannot have")
        return columns


def room(missing: int, *, of: int) -> int:
    """Return by how many rows to grow where *missing* do not fit into *of*: an eighth at least.

    Doubling would leave up to half of all memory unused, for ever in a project that rests.
    """
    return max(missing, of // 8)


def _joined(columns: list[Rows], more: list[Rows]) -> list[Rows]:
    return [np.concatenate(pair) for pair in zip(columns, more, strict=True)]


def _write(columns: list[Rows], tests: NDArray[np.int32], rows: Rows) -> None:
    for column, values in zip(columns, rows.T, strict=True):
        column[tests] = values
