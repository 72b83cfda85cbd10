"""A project's tests, folded from its history: rows for the model, arrays over all tests."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from devmind.ci import QueuedBuild
from devmind.errors import UnusableSnapshot
from features.context import context_of
from features.feature import KnownAt, finite
from features.frozen import open_frozen, pack
from features.names import groups_of, known_at_of, names_of, state_name
from features.recent import Recent
from features.sizes import size_of
from features.traits import Traits
from features.verdicts.catalogue import Catalogue
from features.verdicts.columns import SMALLEST, Columns
from features.verdicts.counts import Counts
from features.verdicts.durations import TestDurations
from features.verdicts.every import every_feature
from features.verdicts.feature import NEVER_REPORTED, Candidates, TestFeature, Values
from features.verdicts.known_tests import KnownTests
from features.verdicts.ledger import Ledger
from history.events import BuildQueued, StoredEvent, TestsReported

VERSION = 2
"""Raise it when the meaning of a frozen state changes and the columns' names do not."""
BUILDS = 1_024
"""Queued builds whose changes are remembered for their reports."""


def _features(capacity: int) -> tuple[Counts, TestDurations, tuple[TestFeature, ...]]:
    counts, durations = Counts(capacity=capacity), TestDurations(capacity=capacity)
    return counts, durations, every_feature(counts, durations, capacity=capacity)


class TestState:
    """Everything the test model knows about one project, as of an event of its history.

    Events are folded in the order of their sequence numbers; an event at or before `as_of` was
    folded already and changes nothing. Verdicts count from the moment their report is recorded,
    which may be before the build has finished; a build's reports count as one run a test (see
    `features.verdicts.ledger`). Times are those of queueing, the only ones a report has.

    Args:
        capacity: Tests to make room for at first; never seen in a row.

    Attributes:
        names: The columns of a row.
        groups: Columns by what they are about, for reasons.
        known_at: When each column's inputs are known.
        as_of: Sequence number of the newest event folded; 0 for none.
    """

    names: ClassVar[tuple[str, ...]] = names_of(_features(1)[2])
    groups: ClassVar[dict[str, tuple[str, ...]]] = groups_of(_features(1)[2])
    known_at: ClassVar[dict[str, KnownAt]] = known_at_of(_features(1)[2])
    STATE: ClassVar[str] = state_name("tests", VERSION, names)

    __test__ = False  # pytest would take it for a test class

    def __init__(self, *, capacity: int = SMALLEST) -> None:
        self.as_of = 0
        self._counts, self._durations, self._features = _features(capacity)
        self._catalogue = Catalogue()
        self._ledger = Ledger(capacity=capacity)
        self._seen = Columns([-1], np.int32, capacity=capacity)
        self._builds: Recent[Traits] = Recent(limit=BUILDS)

    @property
    def tests(self) -> KnownTests:
        """The project's tests as of now."""
        return KnownTests(
            catalogue=self._catalogue,
            counts=self._counts,
            durations=self._durations,
            last_seen_build=self._seen.column(0),
            builds=self._ledger.builds,
        )

    def read(self, build: QueuedBuild, tests: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return a row for each of *tests* in *build*; changes nothing.

        Args:
            build: The build that may run them.
            tests: int32 (n,), all candidates, as ranks are among them; a number that was never
                reported (such as -1) is a test that never ran, of which only that is known.

        Returns:
            float32 (n, k), NaN where unknown.
        """
        numbers = np.asarray(tests, dtype=np.int32)
        known = (numbers >= 0) & (numbers < len(self._catalogue))
        return self._read(context_of(build).traits, np.where(known, numbers, NEVER_REPORTED))

    def update(self, event: StoredEvent) -> None:
        """Fold the next event of the project's history."""
        if event.sequence <= self.as_of:
            return
        self.as_of = event.sequence
        if isinstance(event, BuildQueued):
            self._builds.put(event.build_id, context_of(event.build).traits)
        elif isinstance(event, TestsReported):
            self._report(event)

    def nbytes(self) -> int:
        """Return about how many bytes of memory the state takes; walks through all of it."""
        return size_of(self)

    def freeze(self) -> bytes:
        """Return the state as bytes; equal states give equal bytes."""
        return pack(
            {
                "state": self.STATE,
                "as_of": self.as_of,
                "catalogue": self._catalogue.freeze(),
                "ledger": self._ledger.freeze(),
                "seen": self._seen.freeze(),
                "builds": self._builds.freeze(Traits.freeze),
                "features": [feature.freeze() for feature in self._features],
            }
        )

    @classmethod
    def thaw(cls, body: bytes) -> Self:
        """Return the state that *body* was frozen from.

        Raises:
            UnusableSnapshot: If *body* is damaged, or was frozen by other code.
        """
        tree = open_frozen(body, cls.STATE)
        state = cls()
        try:
            state.as_of = tree["as_of"]
            state._catalogue.thaw(tree["catalogue"])
            state._ledger.thaw(tree["ledger"])
            state._seen.thaw(tree["seen"])
            state._builds.thaw(tree["builds"], Traits.thaw)
            for feature, memory in zip(state._features, tree["features"], strict=True):
                feature.thaw(memory)
                feature.grow(state._catalogue, len(state._catalogue))
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise UnusableSnapshot(cls.STATE, f"damaged: {error}") from error
        return state

    def _read(self, traits: Traits, tests: NDArray[np.int32]) -> NDArray[np.float32]:
        columns: dict[str, Values] = {}
        candidates = Candidates(
            traits=traits,
            tests=tests,
            builds=self._ledger.builds,
            catalogue=self._catalogue,
            columns=columns,
        )
        rows = np.empty((len(tests), len(self.names)), dtype=np.float32, order="F")
        done = 0
        for feature in self._features:
            part = rows[:, done : done + len(feature.names)]
            part[:] = feature.read(candidates)
            columns.update(zip(feature.names, part.T, strict=True))
            done += len(feature.names)
        return finite(rows)

    def _report(self, event: TestsReported) -> None:
        numbered = int(event.tests.max()) + 1 if event.tests.size else 0
        self._grow(event, numbered)
        traits = self._builds.get(event.build_id)
        if traits is None:
            return  # so old that its change is forgotten
        runs = self._ledger.enter(event, traits)
        newest = np.full((len(event.tests), 1), max(0, self._ledger.builds - 1), dtype=np.int32)
        self._seen.put(event.tests, newest)
        if runs is not None:
            for feature in self._features:
                feature.ran(runs)

    def _grow(self, event: TestsReported, numbered: int) -> None:
        if numbered <= len(self._catalogue) and not event.new_tests:
            return
        self._catalogue.add(event.new_tests, numbered)
        count = len(self._catalogue)
        self._ledger.grow(count)
        self._seen.grow(count)
        for feature in self._features:
            feature.grow(self._catalogue, count)
