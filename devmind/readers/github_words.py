"""GitHub's words for how things end and what happens to files, in ours.

| GitHub's conclusion                  | `BuildStatus` |
|--------------------------------------|---------------|
| success, neutral                     | passed        |
| failure, timed_out, startup_failure  | failed        |
| cancelled, stale, action_required    | canceled      |
| skipped                              | skipped       |
"""

from __future__ import annotations

from collections.abc import Iterable

from devmind.ci import BuildStatus, FileChange
from devmind.readers.records import Record

CONCLUSIONS = {
    "success": BuildStatus.PASSED,
    "neutral": BuildStatus.PASSED,
    "failure": BuildStatus.FAILED,
    "timed_out": BuildStatus.FAILED,
    "startup_failure": BuildStatus.FAILED,
    "cancelled": BuildStatus.CANCELED,
    "stale": BuildStatus.CANCELED,
    "action_required": BuildStatus.CANCELED,
    "skipped": BuildStatus.SKIPPED,
}

FILE_CHANGES = {
    "added": FileChange.ADDED,
    "copied": FileChange.ADDED,
    "removed": FileChange.DELETED,
    "renamed": FileChange.RENAMED,
    "modified": FileChange.MODIFIED,
    "changed": FileChange.MODIFIED,
}

UNCHANGED = "unchanged"


def status_of(record: Record, field: str) -> BuildStatus | None:
    """Return the status that the conclusion in *field* means, `None` while there is none.

    Raises:
        UnreadableSource: If it is a word that GitHub does not document.
    """
    word = record.text(field)
    if not word:
        return None
    if word not in CONCLUSIONS:
        record.bad(field, f"one of {', '.join(CONCLUSIONS)}")
    return CONCLUSIONS[word]


def overall(statuses: Iterable[BuildStatus]) -> BuildStatus:
    """Return how a run ended whose jobs ended so, by GitHub's own rule.

    Example:
        >>> str(overall([BuildStatus.PASSED, BuildStatus.SKIPPED]))
        'passed'
    """
    found = set(statuses)
    for status in (BuildStatus.FAILED, BuildStatus.CANCELED, BuildStatus.PASSED):
        if status in found:
            return status
    return BuildStatus.SKIPPED
