"""The size of a change by GHAminer's columns, which several of the research sets share."""

from __future__ import annotations

from devmind.ci import ChangeTotals
from devmind.readers.records import Record

DEPENDENCY_ONLY = frozenset(".lock .gradle .sum .mod .lockb".split())
"""File types that declare dependencies and nothing else."""


def mined_totals(row: Record, *, extensions: tuple[str, ...], config_files: int) -> ChangeTotals:
    """Return the size and kind of the change in *row*.

    Args:
        row: Of a table that GHAminer made.
        extensions: The file types that the change touches, sorted.
        config_files: How many configuration files are among them, at least.
    """
    return ChangeTotals(
        files_added=row.count("gh_files_added"),
        files_modified=row.count("gh_files_modified"),
        files_deleted=row.count("gh_files_deleted"),
        lines_added=row.count("gh_lines_added"),
        lines_deleted=row.count("gh_lines_deleted"),
        test_lines=row.count("gh_test_churn"),
        source_lines=row.count("gh_src_churn"),
        doc_files=row.count("gh_doc_files"),
        config_files=config_files,
        dependency_files=len(DEPENDENCY_ONLY.intersection(extensions)),
        extensions=extensions,
    )
