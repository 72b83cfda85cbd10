"""A slice's examples as Parquet files, one a month of queueing, written as they come."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from training.example_manifest import KeptFile
from training.example_store import ProjectFolder, writing
from training.examples import Examples, to_table
from training.replay_slices import Slice

GROUP_ROWS = 16_384
"""Rows that are held until they are written; the size of the groups in a file, too."""
_HOW = {"compression": "zstd", "use_dictionary": ["@project"], "write_statistics": False}


class ShardWriter:
    """Writes the examples of one slice; the same examples give the same bytes.

    Args:
        folder: Of the project.
        of: The slice, for the names.

    Attributes:
        left_out: Rows without a usable duration so far.
    """

    def __init__(self, folder: ProjectFolder, of: Slice) -> None:
        self._folder = folder
        self._name = f"{of.start:010d}-{of.end:010d}-*.parquet"
        self._open: dict[str, tuple[Path, Any]] = {}
        self._rows: dict[str, int] = {}
        self._first: float | None = None
        self._last: float | None = None
        self.left_out = 0

    @property
    def queued_at(self) -> tuple[float | None, float | None]:
        """Epoch seconds of the oldest and the newest row so far."""
        return self._first, self._last

    def add(self, examples: Examples) -> None:
        """Write rows; one whose duration is not a finite number of seconds is left out.

        A feature may be NaN, which is unknown, and is never infinite (`features.feature.finite`).

        Raises:
            FolderUnwritable: If the disk does not take them.
        """
        usable = np.isfinite(examples.duration_s) & (examples.duration_s >= 0)
        self.left_out += int((~usable).sum())
        if not usable.all():
            examples = examples.where(usable)
        if not len(examples):
            return
        oldest, newest = float(examples.queued_at.min()), float(examples.queued_at.max())
        self._first = oldest if self._first is None else min(self._first, oldest)
        self._last = newest if self._last is None else max(self._last, newest)
        months = examples.queued_at.astype("datetime64[s]").astype("datetime64[M]")
        for month in np.unique(months):
            self._write(str(month), examples.where(months == month))

    def close(self) -> tuple[KeptFile, ...]:
        """Finish the files and give them their names.

        Raises:
            FolderUnwritable: If the disk does not take them.
        """
        kept = []
        with writing(self._folder.root):
            for month in sorted(self._open):
                draft, file = self._open[month]
                file.close()
                path = f"month={month}/{self._name}"
                kept.append(self._folder.adopt(draft, path, rows=self._rows[month]))
        return tuple(kept)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for draft, file in self._open.values():
            with suppress(OSError, pa.ArrowException):
                file.close()
            draft.unlink(missing_ok=True)

    def _write(self, month: str, examples: Examples) -> None:
        table = to_table(examples)
        if month not in self._open:
            draft = self._folder.draft(f"month={month}/{self._name}")
            with writing(self._folder.root), self._folder.cleared(draft):
                self._open[month] = (draft, pq.ParquetWriter(draft, table.schema, **_HOW))
        with writing(self._folder.root):
            self._open[month][1].write_table(table, row_group_size=GROUP_ROWS)
        self._rows[month] = self._rows.get(month, 0) + len(examples)


def month_of(queued_at: float) -> str:
    """Return the month of an epoch second, in UTC.

    Example:
        >>> month_of(1_780_000_000.0)
        '2026-05'
    """
    return f"{datetime.fromtimestamp(queued_at, UTC):%Y-%m}"
