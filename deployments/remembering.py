"""Predictions on their way into the database: buffered, written in batches, beside the requests.

A write that fails neither fails nor slows an answer: what is buffered is tried again, and what
does not fit into the buffer is dropped and counted.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable, Sequence
from threading import Lock
from typing import Protocol

import structlog

from deployments.metrics import Metrics
from devmind.errors import DevMindError
from history.predicted import Prediction
from models.watch import MAX_BYTES

log = structlog.get_logger(__name__)

ROOM = 5_000
BATCH = 500
SEEN = 10_000
"""Questions that are recognised when they are asked again; the first answer counts."""


class Kept(Protocol):
    """The part of `PredictionStore` that is needed here; every call blocks."""

    def remember(self, made: Sequence[Prediction]) -> None:
        """Keep predictions."""


class Remembering:
    """Holds what was said until it is written; safe to share among threads.

    Args:
        store: Where predictions are kept.
        metrics: Counts what is dropped.
        room: How many predictions are held at most; the oldest go first.
    """

    def __init__(self, store: Kept, *, metrics: Metrics, room: int = ROOM) -> None:
        self._store = store
        self._metrics = metrics
        self._room = room
        self._held: deque[Prediction] = deque()
        self._seen: OrderedDict[Hashable, None] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._held)

    def keep(self, made: Prediction) -> None:
        """Hold a prediction to be written, unless one like it was; takes no time to speak of."""
        if len(made.body) > MAX_BYTES:
            self._metrics.forgotten(made.model, "too_large")
            return
        with self._lock:
            if not self._repeats(made):
                self._held.append(made)
                self._make_room()

    def write(self) -> None:
        """Write what is held; what cannot be written stays held. Blocks."""
        while batch := self._batch():
            try:
                self._store.remember(batch)
            except DevMindError as error:
                log.warning("predictions not written", held=len(batch), why=str(error))
                with self._lock:
                    self._held.extendleft(reversed(batch))
                    self._make_room()
                return

    def _repeats(self, made: Prediction) -> bool:
        """Whether a build was asked about before; by its branch alone, since the newest event."""
        named = made.build_id or made.commit
        key = (made.version, made.project, made.pipeline, named or (made.branch, made.as_of))
        seen = key in self._seen
        self._seen[key] = None
        self._seen.move_to_end(key)
        if len(self._seen) > SEEN:
            self._seen.popitem(last=False)
        return seen

    def _batch(self) -> list[Prediction]:
        with self._lock:
            return [self._held.popleft() for _ in range(min(BATCH, len(self._held)))]

    def _make_room(self) -> None:
        while len(self._held) > self._room:
            self._metrics.forgotten(self._held.popleft().model, "no_room")
