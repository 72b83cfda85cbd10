"""The newest finished builds with the rows that were read when they were queued.

What a model says of them now, beside what came of them, tells how far it is off lately: running
calibrations are made of this. Every replica keeps the same builds, so all of them agree.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.context import Ended
from features.frozen import Tree

BUILDS = 200
"""How many finished builds of a project are kept."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class RecentOutcomes:
    """Builds that passed or failed, in the order in which that became known.

    Attributes:
        rows: float32 (m, k), as of queueing.
        sequence: int64 (m,), of the queued event.
        known_at: int64 (m,), of the finished event, ascending.
        duration_s: float64 (m,).
        failed: bool (m,).
        pipeline: object (m,), their pipelines.
    """

    rows: NDArray[np.float32]
    sequence: NDArray[np.int64]
    known_at: NDArray[np.int64]
    duration_s: NDArray[np.float64]
    failed: NDArray[np.bool_]
    pipeline: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def passed(self) -> NDArray[np.bool_]:
        """Whether each passed (m,); only then is the duration that of a whole build."""
        return ~self.failed

    def where(self, mask: NDArray[np.bool_] | NDArray[np.int64] | slice) -> RecentOutcomes:
        """Return the builds that *mask* (m,), indices or a slice choose, in their order."""
        return RecentOutcomes(
            rows=self.rows[mask],
            sequence=self.sequence[mask],
            known_at=self.known_at[mask],
            duration_s=self.duration_s[mask],
            failed=self.failed[mask],
            pipeline=self.pipeline[mask],
        )


_Kept = tuple[NDArray[np.float32], int, int, float, bool, str]


class OutcomeBook:
    """Keeps the newest `BUILDS` finished builds.

    Args:
        width: Columns of a row.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._kept: deque[_Kept] = deque(maxlen=BUILDS)
        self._read: RecentOutcomes | None = None

    def read(self) -> RecentOutcomes:
        """Return the builds kept; equal until another one finishes."""
        if self._read is None:
            self._read = self._joined()
        return self._read

    def put(self, ended: Ended, row: NDArray[np.float32], *, sequence: int, known_at: int) -> None:
        """Keep a build that passed or failed; others say nothing."""
        if not (ended.passed or ended.failed):
            return
        pipeline = ended.traits.pipeline
        self._kept.append((row, sequence, known_at, ended.duration_s, ended.failed, pipeline))
        self._read = None

    def freeze(self) -> Tree:
        """Return the builds as arrays and pipelines."""
        now = self.read()
        numbers = [now.sequence, now.known_at, now.duration_s, now.failed]
        return [now.rows, *numbers, now.pipeline.tolist()]

    def thaw(self, tree: Tree) -> None:
        """Take over the builds."""
        rows, sequence, known_at, duration_s, failed, pipeline = tree
        if rows.shape[1:] != (self._width,):
            raise ValueError(f"rows of recent builds have shape {rows.shape}")
        numbers = (sequence.tolist(), known_at.tolist(), duration_s.tolist(), failed.tolist())
        self._kept = deque(zip(rows, *numbers, pipeline, strict=True), maxlen=BUILDS)
        self._read = None

    def _joined(self) -> RecentOutcomes:
        columns = list(zip(*self._kept, strict=True)) or list(repeat((), len(_COLUMNS) + 1))
        rows = np.array(columns[0], dtype=np.float32).reshape(len(self._kept), self._width)
        named: dict[str, Any] = {
            name: np.array(values, dtype=kind)
            for (name, kind), values in zip(_COLUMNS.items(), columns[1:], strict=True)
        }
        return RecentOutcomes(rows=rows, **named)


_COLUMNS = {
    "sequence": np.int64,
    "known_at": np.int64,
    "duration_s": np.float64,
    "failed": np.bool_,
    "pipeline": object,
}
