"""The numbers of a project's tests: dense from 0, in the order of first appearance.

Names are only ever added, and a writer holds the lock on its project's row while it adds them. So
what was once committed stays true, and a process may remember it: a catalogue is the first
`len(catalogue)` names; before it is used, it reads those that other processes have added since.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select

from history.bodies import digest
from history.events import NamedTest
from history.tables import tests

MAX_REMEMBERED = 1_000_000
"""Names that a process keeps for all projects; beyond it, projects not written lately go."""


class Catalogues:
    """What this process remembers of all projects' catalogues; safe to share among threads."""

    def __init__(self, *, max_names: int = MAX_REMEMBERED) -> None:
        self._max_names = max_names
        self._lock = threading.Lock()
        self._numbers: OrderedDict[int, dict[str, int]] = OrderedDict()

    def numbers(self, connection: Connection, project_id: int, count: int) -> dict[str, int]:
        """Return name to number for the first *count* tests or more.

        Args:
            connection: In a transaction that holds the project's row.
            project_id: The project.
            count: How many tests the project's row says there are.
        """
        with self._lock:
            known = self._numbers.setdefault(project_id, {})
            self._numbers.move_to_end(project_id)
            if len(known) > count:  # the database was put back to an earlier state
                known = self._numbers[project_id] = {}
            first = len(known)
        if first < count:
            later = names(connection, project_id, first, count)
            self._add(project_id, known, ((test.name, test.number) for test in later))
        return known

    def committed(self, project_id: int, added: Iterable[NamedTest]) -> None:
        """Remember tests that are in the database for good."""
        with self._lock:
            known = self._numbers.get(project_id)
        if known is not None:
            self._add(project_id, known, ((test.name, test.number) for test in added))

    def _add(
        self, project_id: int, known: dict[str, int], added: Iterable[tuple[str, int]]
    ) -> None:
        with self._lock:
            for name, number in added:
                if number <= len(known):  # never leave a gap: what is missing is read again
                    known[name] = number
            while len(self._numbers) > 1 and self._total() > self._max_names:
                oldest = next(iter(self._numbers))
                if oldest == project_id:
                    break
                del self._numbers[oldest]

    def _total(self) -> int:
        return sum(len(known) for known in self._numbers.values())


@dataclass(slots=True, kw_only=True)
class Interning:
    """Numbers for the names of one transaction: the known ones and those it adds."""

    known: dict[str, int]
    count: int
    added: dict[str, int] = field(default_factory=dict)

    @property
    def next_number(self) -> int:
        """The number that the next unknown name gets."""
        return self.count + len(self.added)

    def number(
        self, names: Sequence[str], files: Sequence[str]
    ) -> tuple[NDArray[np.int32], list[NamedTest]]:
        """Return the numbers of *names*, int32 (n,), and the tests among them that are new."""
        found = [self.known.get(name) for name in names]
        new: list[NamedTest] = []
        if None in found:
            for at, number in enumerate(found):
                if number is None:
                    found[at] = self._added_number(names[at], files[at], new)
        return np.array(found, np.int32), new

    def _added_number(self, name: str, file: str, new: list[NamedTest]) -> int:
        number = self.added.get(name)
        if number is None:
            number = self.added[name] = self.next_number
            new.append(NamedTest(number=number, name=name, file=file))
        return number


def names(
    connection: Connection, project_id: int, first: int = 0, end: int | None = None
) -> list[NamedTest]:
    """Read the tests numbered *first* to *end* (exclusive; all by default), in order."""
    query = select(tests.c.number, tests.c.name, tests.c.file)
    query = query.where(tests.c.project_id == project_id, tests.c.number >= first)
    if end is not None:
        query = query.where(tests.c.number < end)
    rows = connection.execute(query.order_by(tests.c.number))
    return [NamedTest(number=number, name=name, file=file) for number, name, file in rows]


def add(connection: Connection, project_id: int, added: Iterable[tuple[NamedTest, int]]) -> None:
    """Write tests with the sequence number of the event in which each appears first."""
    rows = [
        {
            "project_id": project_id,
            "number": test.number,
            "name_digest": digest(test.name.encode()),
            "name": test.name,
            "file": test.file,
            "first_sequence": sequence,
        }
        for test, sequence in added
    ]
    if rows:
        connection.execute(insert(tests), rows)
