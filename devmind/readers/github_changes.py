"""Changes of GitHub runs: the commit of a run's payload, files of compare and commit payloads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from devmind.changes import sum_files
from devmind.ci import Change, ChangedFile
from devmind.readers.github_words import FILE_CHANGES, UNCHANGED
from devmind.readers.records import Record
from devmind.wire.base import MAX_FILES

MESSAGE = 20_000
"""A commit message is cut to this many characters."""


def read_change(run: Record) -> Change:
    """Return the change that a run is about, without its files.

    GitHub fills `pull_requests` when the run is *asked for*, with what is open then; for a push
    it would tell whether a pull request was opened later. So it is only used where a pull
    request started the run, and no feature may use its absence.
    """
    pulls = run.records("pull_requests") if run.text("event").startswith("pull_request") else []
    commit = run.record("head_commit")
    author = run.record("actor").text("login") or commit.record("author").text("name")
    return Change(
        commit=run.text("head_sha"),
        author=author,
        branch=run.text("head_branch"),
        base=pulls[0].record("base").text("ref") if pulls else "",
        pull_request=pulls[0].text("number") if pulls else "",
        message=commit.text("message", MESSAGE),
    )


def read_files(records: Iterable[Record]) -> Iterable[ChangedFile]:
    """Yield the changed files of a compare or commit payload's `files`."""
    for record in records:
        word = record.text("status")
        if word == UNCHANGED:
            continue
        if word not in FILE_CHANGES:
            record.bad("status", f"one of {', '.join(FILE_CHANGES)}")
        yield ChangedFile(
            path=record.required("filename"),
            lines_added=record.count("additions"),
            lines_deleted=record.count("deletions"),
            kind=FILE_CHANGES[word],
        )


def with_files(change: Change, files: tuple[ChangedFile, ...]) -> Change:
    """Return *change* with *files*; of an enormous change the first files and the sums of all."""
    if len(files) <= MAX_FILES:
        return replace(change, files=files)
    return replace(change, files=files[:MAX_FILES], totals=sum_files(files))
