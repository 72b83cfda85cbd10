"""The JSON form of a change."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from devmind.ci import Change, ChangedFile, ChangeTotals, FileChange
from devmind.wire.base import MAX_FILES, Body, Count, Path, Text, Word


class ChangedFileBody(Body):
    """One file of a change."""

    path: Path
    lines_added: Count = 0
    lines_deleted: Count = 0
    kind: FileChange = FileChange.MODIFIED

    def domain(self) -> ChangedFile:
        """Return the domain object."""
        return ChangedFile(
            path=self.path,
            lines_added=self.lines_added,
            lines_deleted=self.lines_deleted,
            kind=self.kind,
        )


class ChangeTotalsBody(Body):
    """Size and kind of a change whose files are not listed."""

    files_added: Count = 0
    files_modified: Count = 0
    files_deleted: Count = 0
    lines_added: Count = 0
    lines_deleted: Count = 0
    test_lines: Count = 0
    source_lines: Count = 0
    doc_files: Count = 0
    config_files: Count = 0
    dependency_files: Count = 0
    extensions: Annotated[tuple[Word, ...], Field(max_length=500)] = ()

    def domain(self) -> ChangeTotals:
        """Return the domain object, extensions sorted and unique."""
        fields = self.model_dump(exclude={"extensions"})
        return ChangeTotals(**fields, extensions=tuple(sorted(set(self.extensions))))


class ChangeBody(Body):
    """A commit with its author, branch and files (or totals, where only these are known)."""

    commit: Word = ""
    author: Word = ""
    branch: Word = ""
    base: Word = ""
    pull_request: Word = ""
    message: Text = ""
    files: Annotated[tuple[ChangedFileBody, ...], Field(max_length=MAX_FILES)] = ()
    totals: ChangeTotalsBody | None = None

    def domain(self) -> Change:
        """Return the domain object."""
        return Change(
            commit=self.commit,
            author=self.author,
            branch=self.branch,
            base=self.base,
            pull_request=self.pull_request,
            message=self.message,
            files=tuple(file.domain() for file in self.files),
            totals=self.totals.domain() if self.totals else None,
        )

    @classmethod
    def of(cls, change: Change) -> ChangeBody:
        """Return the JSON form of *change*."""
        return cls.model_validate(change, from_attributes=True)
