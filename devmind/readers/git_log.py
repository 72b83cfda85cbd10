"""What `git log -z --raw --numstat` and `git diff` print, as changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from devmind import git_calls
from devmind.ci import Change, ChangedFile, FileChange
from devmind.errors import UnreadableSource
from devmind.readers.git_program import decode
from devmind.readers.github_changes import MESSAGE, with_files
from devmind.readers.records import printable

FORMAT = "--format=tformat:%x00%H%x00%aN%x00%B"
"""An empty field, then hash, author and message; NUL stands in none of them."""

DIFF = ("-z", "--raw", "--numstat", "-M", "--no-abbrev", *git_calls.DIFF)
"""Every file twice: as a raw line with its letter, then with its line counts."""

_HASH = re.compile(rb"[0-9a-f]{40}([0-9a-f]{24})?")
_RAW = re.compile(rb":\d+ \d+ [0-9a-f]+ [0-9a-f]+ ([A-Z])\d*")
_NUMSTAT = re.compile(rb"(\d+|-)\t(\d+|-)\t(.*)", re.DOTALL)
_TWO_PATHS = (b"R", b"C")
_KINDS = {b"A": FileChange.ADDED, b"C": FileChange.ADDED, b"D": FileChange.DELETED}


@dataclass(slots=True)
class _File:
    kind: FileChange
    added: int = 0
    deleted: int = 0


class _Tokens:
    """The NUL-separated fields, with one field of looking ahead."""

    def __init__(self, fields: Iterator[bytes]) -> None:
        self._fields = fields
        self.next: bytes | None = None
        self.take()

    def take(self) -> bytes:
        """Return the next field and move on.

        Raises:
            UnreadableSource: If there is none.
        """
        taken, self.next = self.next, next(self._fields, None)
        return b"" if taken is None else taken


def parse_log(fields: Iterator[bytes]) -> Iterator[Change]:
    """Yield the changes of a log printed with `FORMAT` and `DIFF`."""
    tokens = _Tokens(fields)
    while tokens.next is not None:
        if not _HASH.fullmatch(tokens.next.strip()):
            _expect_nothing(tokens.take())
            continue
        commit = decode(tokens.take().strip())
        author, message = printable(decode(tokens.take())), printable(decode(tokens.take()))
        change = Change(commit=commit, author=author, message=message.strip()[:MESSAGE])
        yield with_files(change, _files(tokens))


def parse_diff(fields: Iterator[bytes]) -> tuple[ChangedFile, ...]:
    """Return the files of a diff printed with `DIFF`."""
    return _files(_Tokens(fields))


def _files(tokens: _Tokens) -> tuple[ChangedFile, ...]:
    files: dict[bytes, _File] = {}
    while tokens.next is not None:
        field = tokens.next.lstrip(b"\n")
        raw = _RAW.fullmatch(field)
        counts = None if raw else _NUMSTAT.fullmatch(field)
        if raw:
            tokens.take()
            if raw[1] in _TWO_PATHS:
                tokens.take()
            kind = FileChange.RENAMED if raw[1] == b"R" else _KINDS.get(raw[1])
            files[tokens.take()] = _File(kind or FileChange.MODIFIED)
        elif counts:
            tokens.take()
            path = counts[3] or _second(tokens)
            file = files.setdefault(path, _File(FileChange.MODIFIED))
            file.added, file.deleted = _lines(counts[1]), _lines(counts[2])
        else:
            break
    return tuple(_changed(path, file) for path, file in files.items())


def _second(tokens: _Tokens) -> bytes:
    tokens.take()
    return tokens.take()


def _lines(word: bytes) -> int:
    return 0 if word == b"-" else int(word)


def _changed(path: bytes, file: _File) -> ChangedFile:
    return ChangedFile(
        path=printable(decode(path)),
        lines_added=file.added,
        lines_deleted=file.deleted,
        kind=file.kind,
    )


def _expect_nothing(field: bytes) -> None:
    if field.strip():
        reason = f"git printed {decode(field[:200])!r} where a commit was expected"
        raise UnreadableSource("git log", reason, "Please report this with your version of git.")
