"""What happens beside an answer: it is remembered, and a shadow is asked the same.

Both come after the answer has been made. Nothing here can fail or delay it: a shadow that is busy,
or a project whose state somebody waits for, means that this question is not put to the shadow; the
watcher asks it about the build later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import structlog

from deployments.live_state import FoldedState, LiveStates
from deployments.metrics import Metrics
from deployments.model_slot import Loaded, ModelSlot
from deployments.questions import About
from deployments.remembering import Remembering
from deployments.threads import to_the_end
from devmind.ci import QueuedBuild
from history.predicted import Prediction, Role
from models.watch import Said, encode

M = TypeVar("M")
S = TypeVar("S", bound=FoldedState)
log = structlog.get_logger(__name__)

AT_ONCE = 2
"""How many questions a shadow answers at a time in one replica."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What an answer said, worth remembering.

    Attributes:
        build: The build it is about.
        said: What it said.
        as_of: Number of the newest event it rests on.
    """

    build: QueuedBuild
    said: Said
    as_of: int


Again = Callable[[Loaded[M], S], Telling | None]
"""Answers the same question by another version; runs in a thread with the project's state."""


class Beside(Generic[M, S]):
    """Remembers answers and asks the shadow.

    Args:
        shadow: The version that answers silently, if there is one.
        states: The projects.
        memory: Where predictions go.
        metrics: Counts what the shadow did and did not.
        now: The time, aware UTC.
    """

    def __init__(
        self,
        *,
        shadow: ModelSlot[M],
        states: LiveStates[S],
        memory: Remembering,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self.shadow = shadow
        self.memory = memory
        self._states = states
        self._metrics = metrics
        self._now = now
        self._asked: set[asyncio.Task[None]] = set()

    def answered(self, about: About, told: Telling, *, version: str, again: Again[M, S]) -> None:
        """Remember an answer that a caller was given, and ask the shadow in the background."""
        self._keep(about, told, version=version, role="champion")
        shadow = self.shadow.loaded
        if shadow is None or shadow.version == version:
            return
        if len(self._asked) >= AT_ONCE or self._states.in_use(told.build.project):
            self._metrics.shadowed(self.shadow.name, "dropped")
            return
        task = asyncio.get_running_loop().create_task(self._ask(about, told, shadow, again))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    async def settle(self) -> None:
        """Wait for what the shadow is still asked."""
        await asyncio.gather(*self._asked, return_exceptions=True)

    async def _ask(
        self, about: About, told: Telling, shadow: Loaded[M], again: Again[M, S]
    ) -> None:
        try:
            async with self._states.at(told.build.project) as live:
                said = await to_the_end(again, shadow, live.state)
        except Exception:
            log.exception("shadow failed", model=self.shadow.name, version=shadow.version)
            self._metrics.shadowed(self.shadow.name, "failed")
            return
        if said is not None:
            self._keep(about, said, version=shadow.version, role="shadow")
            self._metrics.shadowed(self.shadow.name, "answered")

    def _keep(self, about: About, told: Telling, *, version: str, role: Role) -> None:
        made = Prediction(
            model=self.shadow.name,
            version=version,
            role=role,
            made_by="service",
            made_at=self._now(),
            as_of=told.as_of,
            project=told.build.project,
            pipeline=told.build.pipeline if about.pipeline or about.build_id else "",
            branch=told.build.change.branch,
            commit=told.build.change.commit,
            build_id=about.build_id,
            body=encode(told.said),
        )
        self.memory.keep(made)


def names_a_build(about: About) -> bool:
    """Whether a question is about a real build: a recorded one as it is, or a commit or branch.

    One that changes a recorded build asks what would be if.

    Example:
        >>> names_a_build(About(project="shop", branch="main"))
        True
        >>> names_a_build(About(build_id="7", branch="other")), names_a_build(About(project="shop"))
        (False, False)
    """
    if about.build_id is None:
        return bool(about.commit or about.branch)
    said = ("queued_at", "trigger", "commit", "author", "branch", "base", "pull_request", "message")
    return all(getattr(about, name) is None for name in (*said, "files", "totals"))
