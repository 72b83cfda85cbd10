"""States of the watcher: each folded up to the event that has been watched, and no further."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

import structlog

from deployments.live_state import UNLIMITED, FoldedState
from deployments.room import NEWS_WEIGHED, Room
from devmind.errors import UnusableSnapshot
from history.events import Snapshot, StoredEvent

S = TypeVar("S", bound=FoldedState)
log = structlog.get_logger(__name__)

CAPACITY = 16
"""How many projects are kept; others are made again from a snapshot when something happens."""


class Events(Protocol):
    """The part of `HistoryStore` that is needed here; every call blocks."""

    def tail(self, project: str, *, after: int = 0, limit: int = 1000) -> list[StoredEvent]:
        """Return the next events."""

    def read(
        self, project: str, *, after: int = 0, until: int | None = None
    ) -> Iterator[StoredEvent]:
        """Yield events."""

    def load_snapshot(
        self, project: str, state: str, *, until: int | None = None
    ) -> Snapshot | None:
        """Return the newest snapshot that is at most as new as event *until*."""


class WatchedStates(Generic[S]):
    """Makes states as of an event, and keeps those of the projects where something happens.

    Args:
        history: Where events and snapshots are.
        kind: The class of the states.
        capacity: How many are kept; the least recently used goes first.
        max_bytes: How much memory they may take, about; one is always kept.
    """

    def __init__(
        self,
        history: Events,
        kind: type[S],
        *,
        capacity: int = CAPACITY,
        max_bytes: int = UNLIMITED,
    ) -> None:
        self._history = history
        self._kind = kind
        self._room = Room(projects=capacity, nbytes=max_bytes)
        self._kept: OrderedDict[str, tuple[S, int]] = OrderedDict()
        self._weighed: dict[str, tuple[int, int]] = {}

    def at(self, project: str, as_of: int) -> S:
        """Return the state with exactly the events up to *as_of*, for the caller to go on with.

        It is no longer kept here; `keep` gives it back.
        """
        state, reached = self._kept.pop(project, (None, -1))
        if state is None or reached != as_of:
            state = self._folded(project, as_of)
        return state

    def keep(self, project: str, state: S, as_of: int) -> None:
        """Take a state back that has come to *as_of*."""
        self._kept[project] = (state, as_of)
        self._kept.move_to_end(project)
        self._room.put(project, self._weight(project, state, as_of))
        while self._room.full:
            self.forget(next(iter(self._kept)))

    def forget(self, project: str) -> None:
        """Drop a project's state."""
        self._kept.pop(project, None)
        self._weighed.pop(project, None)
        self._room.drop(project)

    def _weight(self, project: str, state: S, as_of: int) -> int:
        size, when = self._weighed.get(project, (0, -NEWS_WEIGHED))
        if as_of - when >= NEWS_WEIGHED:
            size, when = self._weighed[project] = (state.nbytes(), as_of)
        return size

    def _folded(self, project: str, as_of: int) -> S:
        state = self._thawed(project, as_of)
        for event in self._history.read(project, after=state.as_of, until=as_of):
            state.update(event)
        return state

    def _thawed(self, project: str, as_of: int) -> S:
        snapshot = self._history.load_snapshot(project, self._kind.STATE, until=as_of)
        if snapshot is None:
            return self._kind()
        try:
            return self._kind.thaw(snapshot.body)
        except UnusableSnapshot:
            log.warning("snapshot unusable, replaying", state=self._kind.STATE)
            return self._kind()
