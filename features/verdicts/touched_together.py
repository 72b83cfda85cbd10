"""Whether the change touches a test's own file, or files that change with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from features.feature import NAN, KnownAt
from features.frozen import Tree
from features.verdicts.catalogue import Catalogue
from features.verdicts.feature import Candidates, TestFeature, Values, of_tests
from features.verdicts.runs import Runs
from features.verdicts.together import Together

MAX_FILES = 50
"""A change of more files is a sweep and says nothing about what belongs together."""

_NONE = -1


class Places:
    """Numbers for the places that tests live in, and where each test lives."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._of = np.empty(0, dtype=np.int32)

    def extend(self, places: Sequence[str]) -> None:
        """Enter the places of the next tests; an empty one is unknown."""
        numbers = self._numbers
        new = [numbers.setdefault(place, len(numbers)) if place else _NONE for place in places]
        self._of = np.concatenate((self._of, np.array(new, dtype=np.int32)))

    def within(self, places: Iterable[str]) -> NDArray[np.float32]:
        """Return for every test whether its place is among *places*; NaN if it is unknown."""
        touched = np.zeros(len(self._numbers) + 1, dtype=np.float32)
        numbers = [self._numbers[place] for place in places if place in self._numbers]
        touched[numbers] = 1
        touched[_NONE] = NAN
        return touched[self._of]


class TouchedTogether(TestFeature):
    """A test's own file or directory is changed, or files that were changed together with it.

    A path names a test's file if it ends with it, so that tests reported relative to a module
    are found. A class name (`shop.CartTest`) stands for its file where none was reported.

    Shape:  (n, 3): own file, own directory, highest rate over the changed files of builds that
            also changed the test's file.
    Unit:   flags and a rate; NaN if the change's files or the test's file are unknown.
    Source: `NamedTest`, changes of builds that reported tests.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("own_file_touched", "own_directory_touched", "touched_with_file")
    group = "touched_together"

    def __init__(self) -> None:
        self._files = Places()
        self._directories = Places()
        self._together = Together()
        self._count = 0

    def read(self, candidates: Candidates) -> Values:
        """Return the flags and the rate."""
        traits, tests = candidates.traits, candidates.tests
        if not traits.paths:
            return np.full((len(tests), 3), NAN, dtype=np.float32)
        own = of_tests(self._files.within(_endings(traits.paths)), tests)
        near = of_tests(self._directories.within(_endings(traits.directories)), tests)
        company = of_tests(self._together.highest(traits.paths, self._count), tests)
        company[np.isnan(own)] = NAN
        return np.column_stack((own, near, company))

    def grow(self, catalogue: Catalogue, count: int) -> None:
        """Learn where new tests live."""
        new = range(self._count, count)
        homes = [home_of(catalogue.name(number), catalogue.file(number)) for number in new]
        self._files.extend(homes)
        self._directories.extend([home.rpartition("/")[0] for home in homes])
        self._count = count

    def ran(self, runs: Runs) -> None:
        """Learn which tests' files were changed with the others."""
        paths = runs.traits.paths
        if runs.first and 0 < len(paths) <= MAX_FILES:
            own = self._files.within(_endings(paths)) == 1
            self._together.learn(paths, np.flatnonzero(own).astype(np.int32))

    def freeze(self) -> Tree:
        """Return the counts; places follow from the catalogue."""
        return self._together.freeze()

    def thaw(self, tree: Tree) -> None:
        """Take over the counts."""
        self._together.thaw(tree)


def home_of(name: str, file: str) -> str:
    """Return the path, or its end, of the file that a test is in; empty if nothing tells.

    What is before `::` or `#` is a class, or a module with or without a class in it; else the last
    of several dotted words is a method if it starts with a small letter. A module called like a
    test is a file, and classes in it are not.

    Example:
        >>> home_of("test_add", "tests/test_cart.py"), home_of("tests/test_a.py::test_x", "")
        ('tests/test_cart.py', 'tests/test_a.py')
        >>> home_of("tests.test_cart.TestCart::test_add", ""), home_of("adds an item", "")
        ('tests/test_cart', '')
        >>> home_of("shop.cart.CartTest.adds", ""), home_of("shop.CartTest::adds", "")
        ('shop/cart/CartTest', 'shop/CartTest')
    """
    if file:
        return file.replace("\\", "/").removeprefix("./").lstrip("/")
    owner, mark, _ = name.replace("#", "::", 1).partition("::")
    head = owner.partition("[")[0].partition("(")[0]
    if "/" in head:
        return head.removeprefix("./").lstrip("/")
    words = head.partition("$")[0].split(".")
    if " " in head or not all(words):
        return ""
    words = words if mark else _without_method(words)
    modules = [count for count, word in enumerate(words, 1) if _is_module(word)]
    if modules:
        return "/".join(words[: modules[-1]])
    alone = len(words) == 1 and not (mark and words[0][0].isupper())
    return "" if alone else "/".join(words)


def _without_method(words: list[str]) -> list[str]:
    """Drop a last word in small letters, unless what is left may be a mere package."""
    owner = words[:-1]
    method = words[-1][0].islower() and (len(owner) != 1 or _is_module(owner[0]))
    return owner if method else words


def _is_module(word: str) -> bool:
    return word.startswith("test_") or word.endswith("_test")


def _endings(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        stem = path.rpartition(".")[0] if "." in path.rpartition("/")[2] else ""
        for whole in (path, stem):
            rest = whole
            while rest:
                yield rest
                rest = rest.partition("/")[2]
