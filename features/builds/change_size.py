"""How large a change is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from features.context import Context
from features.feature import NAN, Feature, KnownAt
from features.traits import files_of


class ChangeSize(Feature):
    """Files and lines of the change.

    Shape:  7 columns.
    Unit:   files, lines; NaN if neither files nor totals are known.
    Source: `Change.totals`, or the sum of `Change.files`.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = (
        "files_changed",
        "files_added",
        "files_modified",
        "files_deleted",
        "lines_added",
        "lines_deleted",
        "churn_lines",
    )
    group = "change_size"

    def read(self, context: Context) -> Sequence[float]:
        """Return the counts."""
        size = context.totals
        if size is None:
            return [NAN] * len(self.names)
        return (
            files_of(size),
            size.files_added,
            size.files_modified,
            size.files_deleted,
            size.lines_added,
            size.lines_deleted,
            size.lines_added + size.lines_deleted,
        )
