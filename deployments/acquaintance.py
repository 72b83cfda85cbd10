"""Keeps the way to other deployments known, so that nobody has to be asked for it later."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Protocol

from deployments.answers import Readiness


class Reachable(Protocol):
    """The part of `Remote` that is needed here."""

    async def readiness(self) -> Readiness:
        """Say whether it can answer; soon, even when it cannot."""


class Acquaintance:
    """Greets every other deployment now and then, in the background.

    A Serve handle asks the controller for its replicas, and the GCS for their addresses, at its
    first call; while the head is gone neither answers, and the call waits for as long as that
    lasts. What was called before is reached without them.

    Args:
        parts: The deployments.
    """

    def __init__(self, parts: Collection[Reachable]) -> None:
        self._parts = parts
        self._greeting: asyncio.Task[None] | None = None

    def renew_soon(self) -> asyncio.Task[None]:
        """Begin to greet unless that is under way; never blocks."""
        if self._greeting is None or self._greeting.done():
            self._greeting = asyncio.get_running_loop().create_task(self._greet())
        return self._greeting

    async def _greet(self) -> None:
        asked = (part.readiness() for part in self._parts)
        await asyncio.gather(*asked, return_exceptions=True)
