"""What somebody said last who may not answer for minutes, such as Ray's GCS without its head."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")
log = structlog.get_logger(__name__)

PATIENCE_S = 5.0


class LastKnown(Generic[T]):
    """Asks in a thread of its own, and returns what was said last if that takes too long.

    One question is under way at a time, whoever waits for it: a silence costs one thread, and
    after the first wait nobody any time.

    Args:
        ask: Asks; may block for as long as it likes.
        unknown: Returned while nothing is known.
        patience_s: How long an answer is waited for.
    """

    def __init__(self, ask: Callable[[], T], *, unknown: T, patience_s: float = PATIENCE_S) -> None:
        self._ask, self._known, self._patience_s = ask, unknown, patience_s
        self._lock = threading.Lock()
        self._answered: threading.Event | None = None
        self._late: threading.Event | None = None

    def __call__(self) -> T:
        """Return what is said, or was said last; soon."""
        answered = self._under_way()
        if not answered.wait(0.0 if answered is self._late else self._patience_s):
            self._late = answered
        return self._known

    def _under_way(self) -> threading.Event:
        with self._lock:
            if self._answered is None or self._answered.is_set():
                self._answered = threading.Event()
                asking = threading.Thread(target=self._hear, args=(self._answered,), daemon=True)
                asking.start()
            return self._answered

    def _hear(self, answered: threading.Event) -> None:
        """Ask, and remember the answer, whether or not anybody still waits for it."""
        try:
            self._known = self._ask()
        except Exception as error:  # noqa: BLE001 - whatever it is, the last answer stands
            log.warning("nothing new is known", why=f"{type(error).__name__}: {error}")
        finally:
            answered.set()
