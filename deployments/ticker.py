"""Something that is done again and again beside a service, and survives its own failures."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)


class Ticker:
    """Calls *tick* every *every_s* seconds in a thread that ends with the process.

    Args:
        tick: What is done; its errors are logged and it is called again.
        every_s: Seconds between two calls.
    """

    def __init__(self, tick: Callable[[], None], *, every_s: float) -> None:
        self._tick, self._every_s = tick, every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> None:
        """Begin; the first call comes after one interval."""
        self._thread.start()

    def stop(self) -> None:
        """End, after a call that is under way."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            try:
                self._tick()
            except Exception as error:  # noqa: BLE001 - a database that is away comes back
                log.warning("tick failed", why=f"{type(error).__name__}: {error}")
