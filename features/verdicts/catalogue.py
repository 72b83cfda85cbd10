"""The tests of a project: their numbers, names and files."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate, islice

import numpy as np
from numpy.typing import NDArray

from features.frozen import Tree
from history.events import NamedTest

Numbers = NDArray[np.int32]


class Catalogue:
    """Tests by number, dense from 0 in the order in which they were first reported.

    Names lie one after the other in one buffer, as a `str` each would take more memory, and are
    found by their hash; a file is kept once, however many tests it has.
    """

    def __init__(self) -> None:
        self._names = bytearray()
        self._ends = array("Q")
        self._files: list[str] = []
        self._numbers: dict[str, int] = {}  # of files, in the order of `_files`
        self._file_of = array("I")
        self._index: tuple[NDArray[np.int64], Numbers] | None = None

    def __len__(self) -> int:
        return len(self._ends)

    def number(self, name: str) -> int | None:
        """Return the number of the test *name*, or `None` if it was never reported."""
        found = self._newest(name, _hashes([name])[0])
        return None if found < 0 else found

    def numbers(self, names: Sequence[str]) -> Numbers:
        """Return the numbers of *names*, -1 for tests that were never reported: int32 (n,)."""
        hashes, order = self._by_hash()
        wanted = _hashes(names)
        last = np.searchsorted(hashes, wanted, side="right") - 1
        numbers = np.full(len(names), -1, dtype=np.int32)
        if len(order):
            np.copyto(numbers, order[last], where=(last >= 0) & (hashes[last] == wanted))
        guessed = numbers.tolist()
        told = zip(names, guessed, self.names(guessed), strict=True)
        for place, (name, guess, other) in enumerate(told):
            if guess >= 0 and (name != other or not name):
                numbers[place] = self._newest(name, wanted[place])
        return numbers

    def name(self, number: int) -> str:
        """Return the name of a test.

        Raises:
            IndexError: If there is no such test.
        """
        end = self._ends[number]
        start = self._ends[number - 1] if number else 0
        return self._names[start:end].decode("utf-8", "surrogatepass")

    def names(self, numbers: Sequence[int]) -> list[str]:
        """Return the names of many tests, "" for -1; faster than one by one.

        Raises:
            IndexError: If there is no such test.
        """
        if not self._names.isascii():
            return [self.name(number) if number >= 0 else "" for number in numbers]
        text, ends = self._names.decode("ascii"), [*self._ends, 0]
        starts = [0, *ends[:-2], 0]
        return [text[starts[number] : ends[number]] for number in numbers]

    def file(self, number: int) -> str:
        """Return the file of a test; empty if unknown.

        Raises:
            IndexError: If there is no such test.
        """
        return self._files[self._file_of[number]]

    def add(self, tests: Sequence[NamedTest], count: int) -> None:
        """Enter *tests*; afterwards there are at least *count*, nameless where no name came."""
        known = len(self)
        after = max([count, *(test.number + 1 for test in tests)])
        new = [("", "")] * (after - known)
        late: list[NamedTest] = []
        for test in tests:
            if test.number >= known:
                new[test.number - known] = (test.name, test.file)
            else:
                late.append(test)
        self._append(new)
        if late:
            self._rename(late)

    def freeze(self) -> Tree:
        """Return names and files by number."""
        every = range(len(self))
        return [self.names(every), [self.file(number) for number in every]]

    def thaw(self, tree: Tree) -> None:
        """Take over names and files."""
        names, files = tree
        self._names.clear()
        self._files.clear()
        self._numbers.clear()
        del self._ends[:], self._file_of[:]
        self._append(list(zip(names, files, strict=True)))

    def _append(self, tests: Sequence[tuple[str, str]]) -> None:
        names = [name.encode("utf-8", "surrogatepass") for name, _ in tests]
        ends = accumulate(map(len, names), initial=len(self._names))
        self._ends += array("Q", list(ends)[1:])
        self._names += b"".join(names)
        numbers = self._numbers
        self._file_of += array("I", [numbers.setdefault(file, len(numbers)) for _, file in tests])
        self._files += islice(numbers, len(self._files), None)
        self._index = None

    def _rename(self, tests: Sequence[NamedTest]) -> None:
        names, files = self.freeze()
        for test in tests:
            names[test.number], files[test.number] = test.name, test.file
        self.thaw([names, files])

    def _by_hash(self) -> tuple[NDArray[np.int64], Numbers]:
        if self._index is None:
            hashes = _hashes(self.names(range(len(self))))
            order = np.argsort(hashes, kind="stable").astype(np.int32)
            self._index = (hashes[order], order)
        return self._index

    def _newest(self, name: str, wanted: np.int64) -> int:
        """Return the newest test of the *name*, whose hash is *wanted*; -1 if there is none."""
        hashes, order = self._by_hash()
        first, end = (np.searchsorted(hashes, wanted, side=side) for side in ("left", "right"))
        alike = reversed(order[first:end].tolist())
        return next((int(number) for number in alike if name and self.name(number) == name), -1)


def _hashes(names: Sequence[str]) -> NDArray[np.int64]:
    return np.fromiter(map(hash, names), dtype=np.int64, count=len(names))
