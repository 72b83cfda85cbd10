"""Loads the states of the liveliest projects when a replica starts, before anybody asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import structlog

from deployments.room import Room
from deployments.threads import to_the_end
from devmind.errors import DevMindError

log = structlog.get_logger(__name__)

PROJECTS = 50
WITHIN_S = 20.0
SHARE = 2
"""Warming fills one part in so many of the room; the rest is for those who ask."""


class Warmable(Protocol):
    """The part of `LiveStates` that is needed here."""

    room: Room

    def at(self, project: str) -> AbstractAsyncContextManager[object]:
        """Lend out a project's state."""


class Warmer:
    """Warms once, in the background, one project after the other.

    Args:
        states: What to fill.
        newest: Returns the projects with the newest builds, newest first; blocks.
        clock: Monotonic seconds.
        projects: How many at most; never more than a part of the room.
        within_s: After so many seconds no further project is begun.
    """

    def __init__(
        self,
        *,
        states: Warmable,
        newest: Callable[[int], list[str]],
        clock: Callable[[], float],
        projects: int = PROJECTS,
        within_s: float = WITHIN_S,
    ) -> None:
        self._states = states
        self._newest = newest
        self._clock = clock
        self._projects = min(projects, max(1, states.room.projects // SHARE))
        self._within_s = within_s
        self._warming: asyncio.Task[None] | None = None

    def warm_soon(self) -> asyncio.Task[None]:
        """Start to warm unless that was done; never blocks."""
        if self._warming is None:
            self._warming = asyncio.get_running_loop().create_task(self._warm())
        return self._warming

    async def _warm(self) -> None:
        started, warmed = self._clock(), 0
        try:
            for project in await to_the_end(self._newest, self._projects):
                if self._clock() - started >= self._within_s or self._filled():
                    break
                async with self._states.at(project):
                    warmed += 1
        except DevMindError as error:
            log.warning("not warmed", why=str(error))
        except Exception:
            log.exception("not warmed")
        log.info("states warmed", projects=warmed, seconds=round(self._clock() - started, 3))

    def _filled(self) -> bool:
        room = self._states.room
        return room.taken * SHARE >= room.nbytes
