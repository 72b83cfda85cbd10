"""Sparse counts of what happens together: a name that a build touches, and a test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.frozen import Tree
from features.recent import LIMIT, Recent

HALF_LIFE = 50.0
"""In touches of the name: old company fades."""
MAX_TESTS = 256
"""Tests remembered for one name; the least frequent are dropped."""
PRIOR = 1.0
"""Touches without company that every name is assumed to have had."""

_KEEP = 2 ** (-1 / HALF_LIFE)
_NOBODY, _NOTHING = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32)
"""Shared by all names without company, of which there are many; arrays are never changed here."""

Array = NDArray[Any]


@dataclass(slots=True)
class Company:
    """How often a name was touched, and with which tests; `tests` are sorted."""

    touches: float = 0.0
    tests: Array = field(default_factory=lambda: _NOBODY)
    counts: Array = field(default_factory=lambda: _NOTHING)

    def touch(self) -> None:
        """Count a build that touched the name, and let what was before fade."""
        self.touches = self.touches * _KEEP + 1
        if len(self.counts):
            self.counts = self.counts * np.float32(_KEEP)

    def add(self, tests: Array, weight: float) -> None:
        """Count *tests* (sorted, unique) as company of the latest touch."""
        if len(self.tests):
            both = np.concatenate((self.tests, tests))
            self.tests, index = np.unique(both, return_inverse=True)
            counts = np.zeros(len(self.tests), dtype=np.float32)
            counts[index[: len(self.counts)]] = self.counts
            counts[index[len(self.counts) :]] += np.float32(weight)
            self.counts = counts
        else:
            self.tests, self.counts = tests, np.full(len(tests), weight, dtype=np.float32)
        if len(self.tests) > MAX_TESTS:
            self._drop()

    def _drop(self) -> None:
        order = np.lexsort((self.tests, -self.counts))[:MAX_TESTS]
        kept = np.sort(order)
        self.tests, self.counts = self.tests[kept], self.counts[kept]


class Together:
    """Company by name, the least recently touched names forgotten.

    Args:
        limit: How many names are remembered.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._names: Recent[Company] = Recent(limit=limit)

    def highest(self, names: Iterable[str], count: int) -> Array:
        """Return, for tests 0 to *count*, the highest rate of company over *names*: float32."""
        rates = np.zeros(count, dtype=np.float32)
        found = [entry for name in names if (entry := self._names.get(name)) and len(entry.tests)]
        if found:
            tests = np.concatenate([entry.tests for entry in found])
            parts = [entry.counts / np.float32(entry.touches + PRIOR) for entry in found]
            np.maximum.at(rates, tests, np.concatenate(parts))
        return rates

    def learn(
        self, names: Sequence[str], tests: Array, *, weight: float = 1.0, touch: bool = True
    ) -> None:
        """Count a build that touched *names*, and that *tests* were with it."""
        for name in names:
            entry = self._names.get(name) or Company()
            if touch:
                entry.touch()
            if len(tests):
                entry.add(tests, weight)
            self._names.put(name, entry)

    def freeze(self) -> Tree:
        """Return names, touches, and the company of all names in one row."""
        entries = [entry for _, entry in self._names.items()]
        nothing = Company()
        return [
            list(self._names),
            np.array([entry.touches for entry in entries], dtype=np.float64),
            np.array([len(entry.tests) for entry in entries], dtype=np.int32),
            np.concatenate([nothing.tests, *(entry.tests for entry in entries)]),
            np.concatenate([nothing.counts, *(entry.counts for entry in entries)]),
        ]

    def thaw(self, tree: Tree) -> None:
        """Take over what `freeze` returned."""
        names, touches, lengths, tests, counts = tree
        companies: dict[str, Company] = {}
        end = 0
        for name, touched, length in zip(names, touches.tolist(), lengths.tolist(), strict=True):
            some = slice(end, end + length)
            end += length
            with_ = (tests[some], counts[some]) if length else ()
            companies[name] = Company(touched, *with_)
        if end != len(tests) or end != len(counts):
            raise ValueError("company of unknown names")
        self._names.thaw(companies)
