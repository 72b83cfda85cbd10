"""Running git: read-only, in no locale, with errors that say what to do."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from devmind.errors import UnreadableSource
from devmind.git_calls import OPTIONS, environment

DEEPEN = (
    "Fetch the whole history: `fetch-depth: 0` for actions/checkout, `GIT_DEPTH: 0` for GitLab,"
    " or `git fetch --unshallow`."
)

_ELSEWHERE = frozenset("GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY".split())
"""What a hook sets, and what would lead away from the repository that was asked for."""

_CHUNK = 1 << 16


class Git:
    """The git program, at work in one repository.

    Args:
        repo: A folder in a repository, with a working tree or bare.
        program: What to start.

    Raises:
        UnreadableSource: If git is missing, *repo* is no repository, or git refuses to read it.
    """

    def __init__(self, repo: Path, program: str = "git") -> None:
        self.repo = repo
        self._program = program
        if not repo.is_dir():
            raise UnreadableSource(str(repo), "no such folder", "Check the path.")
        self.ask("rev-parse", "--git-dir")

    def ask(self, *arguments: str) -> str:
        """Return what a command prints, without the line break at its end.

        Raises:
            UnreadableSource: If it fails.
        """
        return decode(b"\0".join(self.stream(*arguments))).rstrip("\n")

    def finds(self, *arguments: str) -> str | None:
        """Return what a command prints, or `None` if it fails."""
        try:
            return self.ask(*arguments)
        except UnreadableSource:
            return None

    def stream(self, *arguments: str) -> Iterator[bytes]:
        """Yield what a command prints, split at NUL, without holding it all.

        Raises:
            UnreadableSource: If it cannot be started, or fails.
        """
        with TemporaryFile() as complaints, self._start(arguments, complaints) as child:
            try:
                assert child.stdout is not None  # noqa: S101 - it was asked for as a pipe
                yield from _split(child.stdout)
            except GeneratorExit:
                child.kill()
                raise
            if child.wait() != 0:
                complaints.seek(0)
                raise self._failed(decode(complaints.read(_CHUNK)).strip())

    def check_complete(self) -> None:
        """Refuse a repository without commits, or with a part of its history.

        Raises:
            UnreadableSource: With what to do.
        """
        self.check_not_empty()
        if self.is_shallow():
            reason = "a shallow clone: its oldest commit would seem to add every file"
            raise UnreadableSource(str(self.repo), reason, DEEPEN)

    def check_not_empty(self) -> None:
        """Refuse a repository without commits.

        Raises:
            UnreadableSource: With what to do.
        """
        if self.finds("rev-parse", "--verify", "--quiet", "HEAD^{commit}") is None:
            raise UnreadableSource(str(self.repo), "no commits yet", "Commit first.")

    def is_shallow(self) -> bool:
        """Whether the clone holds only the newest commits."""
        return self.ask("rev-parse", "--is-shallow-repository") == "true"

    def _start(self, arguments: tuple[str, ...], complaints: IO[bytes]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - no shell; revisions cannot pass for options
                [self._program, "-C", str(self.repo), *OPTIONS, *arguments],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
            )
        except OSError as error:
            reason = f"the program {self._program!r} cannot be started: {error.strerror}"
            raise UnreadableSource(str(self.repo), reason, "Install git.") from error

    def _failed(self, complaint: str) -> UnreadableSource:
        source = str(self.repo)
        if "dubious ownership" in complaint:
            advice = f"Run `git config --global --add safe.directory {self.repo.resolve()}`."
            return UnreadableSource(source, "the repository belongs to another user", advice)
        if "not a git repository" in complaint:
            advice = "Give the folder of a clone; in a CI job, check out first."
            return UnreadableSource(source, "not a git repository", advice)
        return UnreadableSource(source, f"git says {complaint!r}", "See what git says.")


def _environment() -> dict[str, str]:
    return {name: value for name, value in environment().items() if name not in _ELSEWHERE}


def decode(text: bytes) -> str:
    """Return text as UTF-8; other bytes stay visible, by their number."""
    return text.decode("utf-8", "backslashreplace")


def _split(stream: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while chunk := stream.read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    if rest:
        yield rest
