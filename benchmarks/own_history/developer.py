"""A made-up team at work on a real package: what each commit changes, and what is fixed when.

Commits are chosen by chance from a seed. Everybody has modules of their own. Mistakes happen in
functions that the module's tests name, several at once, as hardly any would be noticed otherwise.
They are mended some commits later, often beside other work, by restoring what stood there; until
then builds go on failing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from benchmarks.own_history.mutations import BREAKING, HARMLESS, mutate

_WORD = re.compile(r"\w+")

Files = Mapping[str, bytes]
"""The files of a tree, by path from its root."""


class Kind(StrEnum):
    """What a commit is."""

    RELEASE = "release"
    BREAKING = "breaking"
    FIX = "fix"
    HARMLESS = "harmless"
    TESTS = "tests"
    DOCS = "docs"


_SHARES = {Kind.BREAKING: 0.65, Kind.HARMLESS: 0.22, Kind.TESTS: 0.08, Kind.DOCS: 0.05}
_MORE_FILES = 0.35
_WITH_TESTS = 0.3
_FIXED = 0.5
"""Chance that a mistake is mended with the next commit."""
_MISTAKES = 4
"""Made at once in one module, as its tests notice hardly one in three."""
_FIXED_ALONE = 0.3
"""Chance that this commit does nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What to commit.

    Attributes:
        kind: What it is.
        author: Who makes it.
        message: Says what was done.
        files: New contents by path; None for a deleted file.
    """

    kind: Kind
    author: str
    message: str
    files: Mapping[str, bytes | None]


@dataclass(slots=True)
class _Mistake:
    path: str
    author: str
    before: bytes


class Team:
    """Makes commits between the releases of a package.

    Args:
        rng: Decides everything.
        package: Folder of the modules.
        tests: Folder of the tests.
        people: How many work on it.
    """

    def __init__(self, rng: Random, *, package: str, tests: str, people: int = 4) -> None:
        self._rng = rng
        self._package = package
        self._tests = tests
        self._people = [f"person-{number}" for number in range(1, people + 1)]
        self._files: dict[str, bytes] = {}
        self._mistakes: list[_Mistake] = []
        self._liking: dict[str, float] = {}

    def commits(
        self, releases: Sequence[tuple[str, Files]], count: int, *, every: int = 13
    ) -> Iterator[Commit]:
        """Yield *count* commits; the first ones are the same whatever *count* is.

        Args:
            releases: Version and files, the oldest first.
            count: How many, releases included.
            every: A release is each so-manieth commit, until there is none left.
        """
        for number in range(count):
            which, off = divmod(number, every)
            released = off == 0 and which < len(releases)
            yield self._release(*releases[which]) if released else self._work()

    def _release(self, version: str, files: Files) -> Commit:
        gone = dict.fromkeys(self._files.keys() - files.keys())
        new = {path: body for path, body in files.items() if self._files.get(path) != body}
        self._files, self._mistakes = dict(files), []
        return Commit(
            kind=Kind.RELEASE,
            author=self._people[0],
            message=f"Release {version}",
            files={**gone, **new},
        )

    def _work(self) -> Commit:
        mended = [one for one in self._mistakes if self._rng.random() < _FIXED]
        self._mistakes = [one for one in self._mistakes if one not in mended]
        restored = {one.path: one.before for one in mended}
        self._files |= restored
        if mended and self._rng.random() < _FIXED_ALONE:
            return self._commit(Kind.FIX, mended[0].author, restored)
        commit = self._new_work()
        return replace(commit, files={**restored, **commit.files})

    def _new_work(self) -> Commit:
        kind = self._rng.choices(list(_SHARES), list(_SHARES.values()))[0]
        author = self._rng.choice(self._people)
        if kind is Kind.DOCS:
            return self._document(author)
        if kind is Kind.TESTS:
            return self._commit(
                kind, author, self._touch(self._rng.choice(self._python(tests=True)))
            )
        return self._change(kind, author)

    def _change(self, kind: Kind, author: str) -> Commit:
        path = self._module(author, tested=kind is Kind.BREAKING)
        changed: dict[str, bytes] = {}
        if kind is Kind.BREAKING:
            changed |= self._break(path, author)
        else:
            changed |= self._touch(path)
        if self._rng.random() < _MORE_FILES:
            changed = self._touch(self._module(author)) | changed
        if self._rng.random() < _WITH_TESTS:
            for test in self._tests_of(path):
                changed = self._touch(test) | changed
        return self._commit(kind, author, changed)

    def _break(self, path: str, author: str) -> dict[str, bytes]:
        if self._is_broken(path):
            return {}
        before, text = self._files[path], self._files[path].decode()
        named = self._named_in(self._tests_of(path))
        for _ in range(_MISTAKES):
            found = mutate(text, BREAKING, self._rng, only=named)
            text = found.text if found else text
        if text.encode() == before:
            return self._touch(path)
        self._mistakes.append(_Mistake(path=path, author=author, before=before))
        return {path: text.encode()}

    def _touch(self, path: str) -> dict[str, bytes]:
        if self._is_broken(path):
            return {}  # what stood there could not be restored afterwards
        found = mutate(self._files[path].decode(), HARMLESS, self._rng)
        return {path: found.text.encode()} if found else {}

    def _is_broken(self, path: str) -> bool:
        return any(mistake.path == path for mistake in self._mistakes)

    def _document(self, author: str) -> Commit:
        pages = sorted(path for path in self._files if path.endswith((".md", ".rst")))
        if not pages:
            return self._commit(Kind.DOCS, author, {"NOTES.md": b"Notes.\n"})
        page = self._rng.choice(pages)
        return self._commit(Kind.DOCS, author, {page: self._files[page] + b"\nMore to come.\n"})

    def _commit(self, kind: Kind, author: str, changed: dict[str, bytes]) -> Commit:
        if not changed:
            return self._document(author)
        self._files |= changed
        names = ", ".join(sorted(re.split(r"[/.]", path)[-2] for path in changed))
        verb = {Kind.FIX: "Fix", Kind.TESTS: "Tidy", Kind.DOCS: "Describe"}.get(kind, "Rework")
        return Commit(kind=kind, author=author, message=f"{verb} {names}", files=changed)

    def _module(self, author: str, *, tested: bool = False) -> str:
        """Choose a module, if possible without a mistake; everybody has some of their own."""
        broken = {mistake.path for mistake in self._mistakes}
        every = [path for path in self._python(tests=False) if not tested or self._tests_of(path)]
        modules = [path for path in every if path not in broken] or every
        weights = []
        for path in modules:
            own = f"{author}/{path}"
            if own not in self._liking:
                self._liking[own] = self._rng.paretovariate(1.5)
            weights.append(self._liking[own])
        return self._rng.choices(modules, weights)[0]

    def _tests_of(self, path: str) -> list[str]:
        stem = path.rpartition("/")[2].removesuffix(".py")
        return [test for test in self._python(tests=True) if test.endswith(f"/test_{stem}.py")]

    def _named_in(self, paths: list[str]) -> set[str]:
        return {word for path in paths for word in _WORD.findall(self._files[path].decode())}

    def _python(self, *, tests: bool) -> list[str]:
        """Return the paths of test modules or of the package's own."""
        inside = f"{self._tests}/" if tests else f"{self._package}/"
        outside = "//" if tests else f"{self._tests}/"
        return sorted(
            path
            for path in self._files
            if path.endswith(".py") and path.startswith(inside) and not path.startswith(outside)
            if (path.rpartition("/")[2].startswith("test_")) == tests
            and b"def " in self._files[path]
        )
