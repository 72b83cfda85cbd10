"""Makes the way to other deployments known early, so that nobody has to be asked for it later."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Protocol


class Reachable(Protocol):
    """The part of `Remote` that is needed here."""

    async def reached(self) -> bool:
        """Whether it answers; soon, even when it does not."""


class Acquaintance:
    """Greets every other deployment, in the background, until it has answered once.

    A Serve handle asks the controller for its replicas, and the GCS for their addresses, at its
    first call; while the head is gone neither answers, and the call waits for as long as that
    lasts. From then on it is told of every new replica while there is a head, and reaches those
    that it knows without one.

    Args:
        parts: The deployments.
    """

    def __init__(self, parts: Collection[Reachable]) -> None:
        self._strangers = list(parts)
        self._greeting: asyncio.Task[None] | None = None

    @property
    def complete(self) -> bool:
        """Whether every one has answered."""
        return not self._strangers

    def meet_soon(self) -> asyncio.Task[None]:
        """Begin to greet those that have not answered, unless that is under way; never blocks."""
        if self._greeting is None or self._greeting.done():
            self._greeting = asyncio.get_running_loop().create_task(self._greet())
        return self._greeting

    async def _greet(self) -> None:
        greeted = list(self._strangers)
        answers = await asyncio.gather(
            *(part.reached() for part in greeted), return_exceptions=True
        )
        self._strangers = [
            part for part, answer in zip(greeted, answers, strict=True) if answer is not True
        ]
