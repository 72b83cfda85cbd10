"""The newest of many: rows of numbers, newest first, with words as numbers."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

LEAST = 16
"""Rows for which there is room at first."""
REMEMBERED = 16
"""Words whose measures against all others are remembered."""
UNKNOWN = -1.0
"""The number of a word that no row has."""

W = TypeVar("W", bound=Hashable)
Columns = NDArray[np.float64]


class Newest:
    """The newest rows of numbers, in columns; a row that comes moves none of the others.

    Args:
        width: Numbers of a row.
        limit: How many rows are kept.

    Example:
        >>> newest = Newest(1, limit=2)
        >>> for number in (1.0, 2.0, 3.0):
        ...     newest.put(number)
        >>> newest.columns.tolist()
        [[3.0, 2.0]]
    """

    __slots__ = ("_count", "_first", "_limit", "_room")

    def __init__(self, width: int, limit: int) -> None:
        self._limit = limit
        self._room: Columns = np.empty((width, min(LEAST, 2 * limit)))
        self._first, self._count = self._room.shape[1], 0

    def __len__(self) -> int:
        return self._count

    @property
    def columns(self) -> Columns:
        """Float64 (width, n), newest first: to be read before the next row comes."""
        return self._room[:, self._first : self._first + self._count]

    def put(self, *row: float) -> None:
        """Take over a row, and forget the oldest beyond the limit."""
        if not self._first:
            self._make_room()
        self._first -= 1
        self._room[:, self._first] = row
        self._count = min(self._count + 1, self._limit)

    def _make_room(self) -> None:
        known = self.columns[:, : self._limit - 1]
        width, self._count = known.shape
        room = np.empty((width, min(2 * self._limit, 2 * self._count + LEAST)))
        self._first = room.shape[1] - self._count
        room[:, self._first :] = known
        self._room = room


class Words(Generic[W]):
    """Numbers of words, in the order in which they came.

    Example:
        >>> words: Words[str] = Words()
        >>> words.learn("main"), words.learn("fix"), words.learn("main"), words.number("other")
        (0.0, 1.0, 0.0, -1.0)
    """

    __slots__ = ("_measured", "_numbers", "known")

    def __init__(self) -> None:
        self.known: list[W] = []
        self._numbers: dict[W, float] = {}
        self._measured: dict[W, NDArray[np.float64]] = {}

    def __len__(self) -> int:
        return len(self.known)

    def number(self, word: W) -> float:
        """Return the number of *word*, `UNKNOWN` if it has none."""
        return self._numbers.get(word, UNKNOWN)

    def learn(self, word: W) -> float:
        """Return the number of *word*, a new one if it has none."""
        number = self._numbers.get(word)
        if number is None:
            number = self._numbers[word] = float(len(self.known))
            self.known.append(word)
            self._measured.clear()
        return number

    def measured(self, word: W, measure: Callable[[W, W], float]) -> NDArray[np.float64]:
        """Return what *measure* says of *word* and each known one (n,).

        Args:
            word: Need not be known.
            measure: The same in every call; what it said is remembered until another word comes.
        """
        said = self._measured.get(word)
        if said is None:
            said = np.array([measure(word, other) for other in self.known])
            if len(self._measured) >= REMEMBERED:
                del self._measured[next(iter(self._measured))]
            self._measured[word] = said
        return said


class Lines:
    """The newest rows of some words and some numbers, newest first.

    Args:
        words: Columns of words, the first ones of a row.
        numbers: Columns of numbers, the others.
        limit: How many rows are kept.

    Attributes:
        words: The words of each such column: those of its rows, and some that rows once had.

    Example:
        >>> lines = Lines(1, 1, limit=2)
        >>> for line in (("main", 1.0), ("fix", 2.0), ("main", 3.0)):
        ...     lines.put(*line)
        >>> lines.rows(), lines.columns[0] == lines.words[0].number("main")
        ([['main', 3.0], ['fix', 2.0]], array([ True, False]))
    """

    __slots__ = ("_limit", "_newest", "words")

    def __init__(self, words: int, numbers: int, *, limit: int) -> None:
        self._newest = Newest(words + numbers, limit)
        self._limit = limit
        self.words: tuple[Words[Any], ...] = tuple(Words() for _ in range(words))

    def __len__(self) -> int:
        return len(self._newest)

    @property
    def columns(self) -> Columns:
        """Float64 (words and numbers, n), newest first: to be read before the next row comes."""
        return self._newest.columns

    def put(self, *row: Any) -> None:
        """Take over a row, and forget the oldest beyond the limit."""
        told = zip(self.words, row, strict=False)
        self._newest.put(*(known.learn(word) for known, word in told), *row[len(self.words) :])
        for place, known in enumerate(self.words):
            if len(known) > 2 * self._limit:
                self._renumber(place)

    def numbers(self, *words: Any) -> list[float]:
        """Return the number that each word has in its column."""
        return [known.number(word) for known, word in zip(self.words, words, strict=True)]

    def rows(self) -> list[list[Any]]:
        """Return the rows, newest first."""
        named = [
            [known.known[int(number)] for number in column]
            for known, column in zip(self.words, self.columns, strict=False)
        ]
        return [list(row) for row in zip(*named, *self.columns[len(named) :].tolist(), strict=True)]

    def _renumber(self, place: int) -> None:
        """Forget the words of a column that no row has any more."""
        column, known = self.columns[place], self.words[place].known
        kept = Words[Any]()
        column[:] = [kept.learn(known[int(number)]) for number in column]
        self.words = (*self.words[:place], kept, *self.words[place + 1 :])
