"""What kinds of files a change touches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar

from devmind.paths import PathKind, kind
from features.context import Context
from features.feature import NAN, Feature, KnownAt
from features.traits import files_of

path_kind = lru_cache(maxsize=16_384)(kind)


class ChangeKinds(Feature):
    """Tests, sources, documents and configuration touched by the change.

    Shape:  7 columns; lines and files by kind, and whether only documents change.
    Unit:   lines, files, share, flag; NaN if nothing is known of the files.
    Source: `Change.totals`, or the sum of `Change.files`.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = (
        "test_churn_lines",
        "source_churn_lines",
        "test_churn_share",
        "doc_files",
        "doc_share",
        "config_files",
        "docs_only",
    )
    group = "change_kinds"

    def read(self, context: Context) -> Sequence[float]:
        """Return the counts and shares."""
        size = context.totals
        if size is None:
            return [NAN] * len(self.names)
        files, churn = files_of(size), size.test_lines + size.source_lines
        return (
            size.test_lines,
            size.source_lines,
            size.test_lines / churn if churn else 0.0,
            size.doc_files,
            size.doc_files / files if files else 0.0,
            size.config_files,
            bool(context.traits.docs_only),
        )


class Decisive(Feature):
    """Files that can break anything: dependencies, CI and build definitions.

    Shape:  3 columns.
    Unit:   files; NaN if unknown (CI and build files are known only where files are listed).
    Source: `Change.totals` and `Change.files`.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("dependency_files", "ci_files", "build_files")
    group = "dependencies"

    def read(self, context: Context) -> Sequence[float]:
        """Return the counts."""
        size, paths = context.totals, context.traits.paths
        kinds = [path_kind(path) for path in paths]
        return (
            NAN if size is None else size.dependency_files,
            kinds.count(PathKind.CI) if paths else NAN,
            kinds.count(PathKind.BUILD) if paths else NAN,
        )
