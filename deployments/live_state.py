"""What a replica knows of the projects it has served lately: newest snapshot plus what came after.

A replica may die at any time: everything here can be made again from the history. Database reads
and folding happen in a thread, so the replica's loop goes on answering.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Protocol, Self, TypeVar

import structlog

from deployments.room import NEWS_WEIGHED, WORTH_SAVING, News, Room
from deployments.threads import to_the_end
from devmind.errors import HistoryUnavailable
from history.events import Snapshot, StoredEvent

log = structlog.get_logger(__name__)

PAGE = 1_000
SNAPSHOT_EVERY = 2_000
"""How many events are folded before the state is worth freezing; many verdicts are, too."""
SAVED_AT_ONCE = 4
"""How many states that leave are saved at a time; others are folded again when they come back."""
UNLIMITED = 2**62


class FoldedState(Protocol):
    """What `features` folds from events: a `BuildState` or a `TestState`."""

    STATE: ClassVar[str]

    def __init__(self) -> None: ...

    @property
    def as_of(self) -> int:
        """Sequence of the last event that was folded, 0 before the first."""

    def update(self, event: StoredEvent) -> None:
        """Learn from the next event."""

    def freeze(self) -> bytes:
        """Return everything that was learned."""

    def nbytes(self) -> int:
        """Return about how much memory it takes; walks through all of it."""

    @classmethod
    def thaw(cls, body: bytes) -> Self:
        """Return the state that `freeze` described."""


S = TypeVar("S", bound=FoldedState)


class EventSource(Protocol):
    """The part of `HistoryStore` that is needed here; every call blocks."""

    def tail(self, project: str, *, after: int = 0, limit: int = 1000) -> list[StoredEvent]:
        """Return the next events of a project, in order."""

    def load_snapshot(self, project: str, state: str) -> Snapshot | None:
        """Return the newest snapshot."""

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a snapshot."""


@dataclass(slots=True)
class _Entry(Generic[S]):
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    state: S | None = None
    looked_at: float = float("-inf")
    users: int = 0
    news: News = field(default_factory=News)
    nbytes: int = 0
    weighed_at: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Live(Generic[S]):
    """A project's state while it is lent out.

    Attributes:
        state: Not to be kept or changed.
        age_s: Seconds since the history was last asked for newer events.
        stale: Whether the history could not be asked although it was time to.
    """

    state: S
    age_s: float
    stale: bool


class LiveStates(Generic[S]):
    """The states of the projects served lately, each at most *max_age_s* behind the history.

    Args:
        history: Where events and snapshots are.
        kind: The class of the states.
        max_age_s: How long a state is used without looking for newer events.
        capacity: How many projects are kept; the least recently used goes first.
        clock: Monotonic seconds.
        snapshot_every: Events folded before the state is frozen and kept.
        max_bytes: How much memory the states may take, about; one is always kept.
    """

    def __init__(  # noqa: PLR0913 - all by keyword, each a knob of its own
        self,
        *,
        history: EventSource,
        kind: type[S],
        max_age_s: float,
        capacity: int,
        clock: Callable[[], float],
        snapshot_every: int = SNAPSHOT_EVERY,
        max_bytes: int = UNLIMITED,
    ) -> None:
        self._history = history
        self._kind = kind
        self._max_age_s = max_age_s
        self.room = Room(projects=capacity, nbytes=max_bytes)
        self._clock = clock
        self._snapshot_every = snapshot_every
        self._entries: OrderedDict[str, _Entry[S]] = OrderedDict()
        self._saving: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._entries)

    @asynccontextmanager
    async def at(self, project: str) -> AsyncIterator[Live[S]]:
        """Lend out a project's state; nobody else reads or folds it in the meantime.

        A project that was never recorded has an empty state, which is not kept.

        Raises:
            HistoryUnavailable: If the history cannot be read and the project is not known here.
        """
        entry = self._entries.setdefault(project, _Entry())
        self._entries.move_to_end(project)
        entry.users += 1
        try:
            async with entry.lock:
                stale = await self._refresh(project, entry)
                assert entry.state is not None  # noqa: S101 - `_refresh` sets it or raises
                yield Live(state=entry.state, age_s=self._clock() - entry.looked_at, stale=stale)
        finally:
            entry.users -= 1
            self._forget(project, entry)

    def at_hand(self, project: str) -> Live[S] | None:
        """Return a project's state if it is fresh and nobody reads or folds it.

        It is the caller's only until something else runs on the loop. Those who wait for it are
        passed: behind one that folds, questions would never again find it free.
        """
        entry = self._entries.get(project)
        if entry is None or entry.state is None or entry.lock.locked():
            return None
        age_s = self._clock() - entry.looked_at
        if age_s >= self._max_age_s:
            return None
        self._entries.move_to_end(project)
        return Live(state=entry.state, age_s=age_s, stale=False)

    def in_use(self, project: str) -> bool:
        """Whether a project's state is lent out or waited for."""
        entry = self._entries.get(project)
        return entry is not None and entry.users > 0

    async def close(self) -> None:
        """Wait for snapshots that are being saved."""
        await asyncio.gather(*self._saving, return_exceptions=True)

    async def _refresh(self, project: str, entry: _Entry[S]) -> bool:
        if entry.state is not None and self._clock() - entry.looked_at < self._max_age_s:
            return False
        now = self._clock()
        try:
            frozen = await to_the_end(self._fold, project, entry)
        except HistoryUnavailable:
            if entry.state is None:
                raise
            log.warning("answering from an old state", as_of=entry.state.as_of)
            return True
        except Exception:
            entry.state = None  # it may be half folded
            raise
        entry.looked_at = now
        self.room.put(project, entry.nbytes)
        if frozen is not None:
            self._save_soon(lambda: frozen)
        return False

    def _fold(self, project: str, entry: _Entry[S]) -> Snapshot | None:
        state = entry.state if entry.state is not None else self._thaw(project, entry)
        while events := self._history.tail(project, after=state.as_of, limit=PAGE):
            for event in events:
                state.update(event)
                entry.news.add(event)
            if len(events) < PAGE:
                break
        entry.state = state
        if entry.weighed_at < 0 or state.as_of - entry.weighed_at >= NEWS_WEIGHED:
            entry.nbytes, entry.weighed_at = state.nbytes(), state.as_of
        if not entry.news.worth(self._snapshot_every):
            return None
        entry.news = News()
        return self._frozen(project, state)

    def _frozen(self, project: str, state: S) -> Snapshot:
        return Snapshot(
            project=project, state=self._kind.STATE, as_of=state.as_of, body=state.freeze()
        )

    def _thaw(self, project: str, entry: _Entry[S]) -> S:
        entry.news, entry.weighed_at = News(), -1
        snapshot = self._history.load_snapshot(project, self._kind.STATE)
        if snapshot is None:
            return self._kind()
        try:
            return self._kind.thaw(snapshot.body)
        except Exception:
            log.exception("snapshot unusable, replaying", state=self._kind.STATE)
            return self._kind()

    def _save_soon(self, frozen: Callable[[], Snapshot]) -> None:
        task = asyncio.get_running_loop().create_task(self._save(frozen))
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)

    async def _save(self, frozen: Callable[[], Snapshot]) -> None:
        try:
            await asyncio.to_thread(lambda: self._history.save_snapshot(frozen()))
        except Exception:
            log.exception("snapshot not saved", state=self._kind.STATE)

    def _forget(self, project: str, entry: _Entry[S]) -> None:
        if not entry.users and (entry.state is None or not entry.state.as_of):
            self._entries.pop(project, None)
            self.room.drop(project)
        if self.room.full:
            self._make_room()

    def _make_room(self) -> None:
        for name in [name for name, old in self._entries.items() if not old.users]:
            if not self.room.full:
                return
            entry = self._entries.pop(name)
            self.room.drop(name)
            self._leave(name, entry)

    def _leave(self, project: str, entry: _Entry[S]) -> None:
        """Save a state that goes, if it has news that would take long to fold again."""
        state, worth = entry.state, entry.news.worth(self._snapshot_every, share=WORTH_SAVING)
        if state is not None and worth and len(self._saving) < SAVED_AT_ONCE:
            self._save_soon(lambda: self._frozen(project, state))
