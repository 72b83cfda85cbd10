"""What somebody said last who may not answer for minutes, such as Ray's GCS without its head."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")
log = structlog.get_logger(__name__)

PATIENCE_S = 2.0


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
        self._answer: Future[T] | None = None
        self._late = False

    def __call__(self) -> T:
        """Return what is said, or was said last; soon."""
        with self._lock:
            if self._answer is None or self._answer.done():
                self._answer, self._late = self._asked(), False
            answer, patience_s = self._answer, 0.0 if self._late else self._patience_s
        try:
            self._known = answer.result(patience_s)
        except TimeoutError:
            self._late = True
        except Exception as error:  # noqa: BLE001 - whatever it is, the last answer stands
            log.warning("nothing new is known", why=f"{type(error).__name__}: {error}")
        return self._known

    def _asked(self) -> Future[T]:
        answer: Future[T] = Future()

        def run() -> None:
            try:
                answer.set_result(self._ask())
            except Exception as error:  # noqa: BLE001 - raised again where it is waited for
                answer.set_exception(error)

        threading.Thread(target=run, name="last-known", daemon=True).start()
        return answer
