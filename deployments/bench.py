"""What a model replica works with: a loaded version, live states, and who is asked about."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Generic, Protocol, TypeVar

import structlog

from deployments.answers import Readiness
from deployments.beside import Beside, Telling, names_a_build
from deployments.case import Case
from deployments.live_state import FoldedState, LiveStates
from deployments.metrics import Metrics
from deployments.model_slot import Loaded, ModelSlot
from deployments.questions import About
from deployments.resolve import Named, Resolver, complete
from deployments.threads import to_the_end
from models.watch import Said

SETTLE_S = 20.0
"""How long a starting replica waits for its first version before it says that it is up."""


class Answered(Protocol):
    """What every answer tells the metrics."""

    @property
    def abstained(self) -> bool:
        """Whether it knew too little."""


class Warming(Protocol):
    """Loads states before they are asked for."""

    def warm_soon(self) -> object:
        """Start unless that was done; never blocks."""


class Watching(Protocol):
    """Looks, in the background, what came of what was said."""

    def look_soon(self) -> object:
        """Start to look unless that is under way; never blocks."""


M = TypeVar("M")
S = TypeVar("S", bound=FoldedState)
A = TypeVar("A", bound=Answered)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench(Generic[M, S]):
    """Prepares cases and counts answers.

    Attributes:
        slot: The model.
        states: The projects.
        resolver: Knows which build is meant.
        usual_pipeline: Which of a project's pipelines is meant when nothing says so.
        metrics: Counts answers.
        now: The time, aware UTC.
        clock: Monotonic seconds.
        beside: Remembers answers and asks the shadow; nothing is remembered without it.
        watcher: Compares what was said with what came of it.
        warmer: Fills *states* once the first version is loaded.
    """

    slot: ModelSlot[M]
    states: LiveStates[S]
    resolver: Resolver
    usual_pipeline: Callable[[S, tuple[str, ...], datetime], str]
    metrics: Metrics
    now: Callable[[], datetime]
    clock: Callable[[], float] = time.monotonic
    beside: Beside[M, S] | None = None
    watcher: Watching | None = None
    warmer: Warming | None = None

    async def answer(
        self,
        about: About,
        work: Callable[[Case[M, S]], A],
        said: Callable[[Case[M, S], A], Said | None] | None = None,
    ) -> A:
        """Answer a question about a build.

        Args:
            about: The build.
            work: Makes the answer; runs in a thread while the project's state is lent to it.
            said: What of the answer is to be compared with what comes, `None` if nothing is.

        Raises:
            ModelUnavailable: If no version is loaded.
            NotFound: If `build_id` names no recorded build.
            InvalidInput: If the names contradict each other.
            HistoryUnavailable: If the history cannot be read and the project is not known here.
        """
        started = self.clock()
        loaded = self.slot.current()
        named = await self.resolver.name(about)
        names = {"model": self.slot.name, "model_version": loaded.version, "project": named.project}
        with structlog.contextvars.bound_contextvars(**names):
            async with self.states.at(named.project) as live:
                again = partial(self._told, about, named, work, said)
                answer, told = await to_the_end(again, loaded, live.state)
            seconds, abstained = self.clock() - started, answer.abstained
            log.info("question answered", seconds=round(seconds, 6), abstained=abstained)
        self.metrics.predicted(
            self.slot.name,
            abstained=abstained,
            seconds=seconds,
            state_age_s=live.age_s,
            stale=live.stale,
        )
        if self.beside is not None and told is not None:
            self.beside.answered(
                about, told, version=loaded.version, again=lambda *with_: again(*with_)[1]
            )
        return answer

    def _told(  # noqa: PLR0913, PLR0917 - one question, and by whom and from what it is answered
        self,
        about: About,
        named: Named,
        work: Callable[[Case[M, S]], A],
        said: Callable[[Case[M, S], A], Said | None] | None,
        loaded: Loaded[M],
        state: S,
    ) -> tuple[A, Telling | None]:
        now = self.now()
        usual = "" if named.pipeline else self.usual_pipeline(state, named.pipelines, now)
        build = complete(about, named, usual, now=now)
        case = Case(model=loaded.model, version=loaded.version, state=state, build=build)
        answer = work(case)
        if said is None or self.beside is None or answer.abstained or not names_a_build(about):
            return answer, None
        worth = said(case, answer)
        if worth is None:
            return answer, None
        return answer, Telling(build=build, said=worth, as_of=state.as_of)

    async def reconfigure(self, user_config: object) -> None:
        """Follow another version; at the start, wait for the first one."""
        self.slot.want(user_config)
        await self.slot.settle(SETTLE_S)
        self._warm_soon()

    async def check_health(self) -> None:
        """Look whether another version is wanted, and what builds have ended; never waits."""
        self.slot.follow_soon()
        if self.beside is not None:
            self.beside.shadow.follow_soon()
        if self.watcher is not None:
            self.watcher.look_soon()
        self._warm_soon()

    async def readiness(self) -> Readiness:
        """Say whether a version is loaded, and which."""
        serving = self.slot.serving
        return Readiness(ready=serving is not None, reason=self.slot.reason, version=serving)

    def _warm_soon(self) -> None:
        if self.warmer is not None and self.slot.loaded is not None:
            self.warmer.warm_soon()
