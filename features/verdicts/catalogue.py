"""The tests of a project: their numbers, names and files."""

from __future__ import annotations

from collections.abc import Sequence

from features.frozen import Tree
from history.events import NamedTest


class Catalogue:
    """Tests by number, dense from 0 in the order in which they were first reported."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._files: list[str] = []
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._names)

    def number(self, name: str) -> int | None:
        """Return the number of the test *name*, or `None` if it was never reported."""
        return self._numbers.get(name)

    def name(self, number: int) -> str:
        """Return the name of a test.

        Raises:
            IndexError: If there is no such test.
        """
        return self._names[number]

    def file(self, number: int) -> str:
        """Return the file of a test; empty if unknown.

        Raises:
            IndexError: If there is no such test.
        """
        return self._files[number]

    def add(self, tests: Sequence[NamedTest], count: int) -> None:
        """Enter *tests*; afterwards there are at least *count*, nameless where no name came."""
        known = max([count, *(test.number + 1 for test in tests)])
        missing = known - len(self._names)
        self._names += [""] * missing
        self._files += [""] * missing
        for test in tests:
            self._names[test.number] = test.name
            self._files[test.number] = test.file
            self._numbers[test.name] = test.number

    def freeze(self) -> Tree:
        """Return names and files by number."""
        return [self._names, self._files]

    def thaw(self, tree: Tree) -> None:
        """Take over names and files."""
        self._names, self._files = tree
        self._numbers = {name: number for number, name in enumerate(self._names) if name}
