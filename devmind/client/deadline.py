"""Giving up on something after a while, whatever it waits for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return what *work* returns, unless it takes longer than *seconds*.

    It runs in a thread, since no timeout of a socket ends a name server's silence or an answer
    that comes byte by byte. What was given up ends with the process at the latest.

    Raises:
        TimeoutError: If it takes longer.

    Example:
        >>> within(5.0, lambda: "done")
        'done'
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            future.set_exception(error)

    Thread(target=run, name="devmind-call", daemon=True).start()
    return future.result(seconds)
