"""The size and kind of a change, from its files."""

from __future__ import annotations

from functools import lru_cache

from devmind.ci import Change, ChangedFile, ChangeTotals, FileChange
from devmind.paths import PathKind
from devmind.paths import extension as _extension
from devmind.paths import kind as _kind

kind = lru_cache(maxsize=4_096)(_kind)
"""As `devmind.paths.kind`; what was looked at lately is remembered."""
extension = lru_cache(maxsize=4_096)(_extension)
"""As `devmind.paths.extension`; likewise."""


def totals(change: Change) -> ChangeTotals | None:
    """Return what is known of the change's size: stated, summed over files, or `None`."""
    if change.totals is not None:
        return change.totals
    return sum_files(change.files) if change.files else None


def sum_files(files: tuple[ChangedFile, ...]) -> ChangeTotals:
    """Sum a list of changed files.

    Example:
        >>> sum_files((ChangedFile(path="tests/test_a.py", lines_added=3),)).test_lines
        3
    """
    kinds = [kind(file.path) for file in files]
    churn = [file.lines_added + file.lines_deleted for file in files]
    return ChangeTotals(
        files_added=sum(file.kind is FileChange.ADDED for file in files),
        files_modified=sum(
            file.kind in (FileChange.MODIFIED, FileChange.RENAMED) for file in files
        ),
        files_deleted=sum(file.kind is FileChange.DELETED for file in files),
        lines_added=sum(file.lines_added for file in files),
        lines_deleted=sum(file.lines_deleted for file in files),
        test_lines=sum(n for k, n in zip(kinds, churn, strict=True) if k is PathKind.TEST),
        source_lines=sum(n for k, n in zip(kinds, churn, strict=True) if k is PathKind.SOURCE),
        doc_files=kinds.count(PathKind.DOC),
        config_files=kinds.count(PathKind.CONFIG) + kinds.count(PathKind.CI),
        dependency_files=kinds.count(PathKind.DEPENDENCY),
        extensions=tuple(sorted({extension(file.path) for file in files})),
    )
