"""What the git checkout here says about the change that is built."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devmind import git_calls
from devmind.ci import ChangedFile, FileChange
from devmind.errors import UnreadableSource
from devmind.remotes import repository

_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_KINDS = {"A": FileChange.ADDED, "C": FileChange.ADDED, "D": FileChange.DELETED}
_KINDS |= {"R": FileChange.RENAMED}
_DEEPEN = (
    "Fetch more history (actions/checkout: `fetch-depth: 0`; GitLab: `GIT_DEPTH: 0`; "
    "git: `git fetch --unshallow`), or name the files with --changed."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A folder inside a git repository."""

    folder: Path

    def exists(self) -> bool:
        """Whether there is a repository with at least one commit here."""
        return self._ask("rev-parse", "--verify", "--quiet", "HEAD") is not None

    def project(self) -> str:
        """Return `owner/name` of the remote `origin`, else the name of the folder."""
        remote = repository(self._ask("remote", "get-url", "origin") or "")
        return remote or Path(self._ask("rev-parse", "--show-toplevel") or self.folder).name

    def commit(self) -> str:
        """Return the full hash of what is checked out."""
        return self._ask("rev-parse", "HEAD") or ""

    def branch(self) -> str:
        """Return the branch that is checked out; nothing when HEAD is detached."""
        return self._ask("symbolic-ref", "--short", "--quiet", "HEAD") or ""

    def author(self, revision: str = "HEAD") -> str:
        """Return who made *revision*."""
        return self._ask("log", "-1", "--format=%an", revision) or ""

    def message(self, revision: str = "HEAD") -> str:
        """Return the message of *revision*."""
        return self._ask("log", "-1", "--format=%B", revision) or ""

    def shallow(self) -> bool:
        """Whether older commits were left out when this was cloned."""
        return self._ask("rev-parse", "--is-shallow-repository") == "true"

    def has(self, revision: str) -> bool:
        """Whether *revision* is known here."""
        return bool(revision) and self._ask("cat-file", "-e", f"{revision}^{{commit}}") is not None

    def changed_files(self, *, base: str | None = None) -> tuple[ChangedFile, ...]:
        """Return what changed since *base* and HEAD parted, or in the last commit.

        Raises:
            UnreadableSource: If git cannot tell, for a shallow clone mostly.
        """
        return tuple(self._differences(self._start(base)))

    def _start(self, base: str | None) -> str:
        if base is None:
            return self._parent()
        if not self.has(base):
            raise UnreadableSource(
                str(self.folder),
                f"there is no revision {base!r} in this checkout"
                + (", which is a shallow clone" if self.shallow() else ""),
                _DEEPEN if self.shallow() else "Fetch it, or name the files with --changed.",
            )
        start = self._ask("merge-base", base, "HEAD")
        if start is None:
            reason = f"{base!r} and HEAD have no common commit in this checkout"
            raise UnreadableSource(str(self.folder), reason, _DEEPEN)
        return start

    def _parent(self) -> str:
        if self.has("HEAD^"):
            return "HEAD^"
        if self.shallow():
            reason = "this is a shallow clone that holds only the last commit"
            raise UnreadableSource(str(self.folder), reason, _DEEPEN)
        return _EMPTY_TREE

    def _differences(self, start: str) -> Iterator[ChangedFile]:
        compare = ("diff", *git_calls.DIFF, "-z")
        counts = self._ask(*compare, "--find-renames", "--numstat", start, "HEAD")
        if counts is None:  # a partial clone: names are there, contents are not and are not fetched
            names = self._tell(*compare, "--no-renames", "--name-status", start, "HEAD")
            yield from (ChangedFile(path=path, kind=kind) for path, kind in _kinds(names))
            return
        names = self._tell(*compare, "--find-renames", "--name-status", start, "HEAD")
        kinds = dict(_kinds(names))
        for path, added, deleted in _counts(counts):
            yield ChangedFile(
                path=path,
                lines_added=added,
                lines_deleted=deleted,
                kind=kinds.get(path, FileChange.MODIFIED),
            )

    def _tell(self, *arguments: str) -> str:
        answer = self._ask(*arguments)
        if answer is None:
            reason = f"`git {' '.join(arguments)}` failed"
            raise UnreadableSource(str(self.folder), reason, _DEEPEN)
        return answer

    def _ask(self, *arguments: str) -> str | None:
        """Return what git says, or `None` when it fails or there is no git."""
        command = ["git", "-C", str(self.folder), *git_calls.OPTIONS, *arguments]
        try:
            done = subprocess.run(  # noqa: S603  fixed program, no shell
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=git_calls.environment(),
            )
        except OSError:
            return None
        text = done.stdout.decode("utf-8", "replace")
        return text.strip("\n") if done.returncode == 0 else None


def _kinds(text: str) -> Iterator[tuple[str, FileChange]]:
    """Read `git diff --name-status -z`: letter, path, and a second path after R and C."""
    fields = iter(text.split("\0"))
    for letter in fields:
        if not letter:
            continue
        path = next(fields, "")
        if letter[0] in "RC":
            path = next(fields, path)
        yield path, _KINDS.get(letter[0], FileChange.MODIFIED)


def _counts(text: str) -> Iterator[tuple[str, int, int]]:
    """Read `git diff --numstat -z`: added, deleted, path; a rename has its two paths after it."""
    fields = iter(text.split("\0"))
    for field in fields:
        if not field:
            continue
        added, deleted, path = field.split("\t", 2)
        if not path:
            next(fields, "")
            path = next(fields, "")
        yield path, _lines(added), _lines(deleted)


def _lines(count: str) -> int:
    """Return a count of lines; git writes `-` for a binary file."""
    return int(count) if count.isdigit() else 0
