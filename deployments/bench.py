"""What a model replica works with: a loaded version, live states, and who is asked about."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import structlog

from deployments.answers import Readiness
from deployments.live_state import FoldedState, LiveStates
from deployments.metrics import Metrics
from deployments.model_slot import Loaded, ModelSlot
from deployments.questions import About
from deployments.resolve import Named, Resolver, complete
from deployments.threads import to_the_end
from devmind.ci import QueuedBuild

SETTLE_S = 20.0
"""How long a starting replica waits for its first version before it says that it is up."""


class Answered(Protocol):
    """What every answer tells the metrics."""

    @property
    def abstained(self) -> bool:
        """Whether it knew too little."""


M = TypeVar("M")
S = TypeVar("S", bound=FoldedState)
A = TypeVar("A", bound=Answered)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Generic[M, S]):
    """A question with everything that is needed to answer it.

    Attributes:
        model: The loaded model.
        version: Its version.
        state: What is known of the project; not to be changed.
        build: The build that is asked about.
    """

    model: M
    version: str
    state: S
    build: QueuedBuild


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
    """

    slot: ModelSlot[M]
    states: LiveStates[S]
    resolver: Resolver
    usual_pipeline: Callable[[S, tuple[str, ...], datetime], str]
    metrics: Metrics
    now: Callable[[], datetime]
    clock: Callable[[], float] = time.monotonic

    async def answer(self, about: About, work: Callable[[Case[M, S]], A]) -> A:
        """Answer a question about a build.

        Args:
            about: The build.
            work: Makes the answer; runs in a thread while the project's state is lent to it.

        Raises:
            ModelUnavailable: If no version is loaded.
            NotFound: If `build_id` names no recorded build.
            InvalidInput: If the names contradict each other.
            HistoryUnavailable: If the history cannot be read and the project is not known here.
        """
        started = self.clock()
        loaded = self.slot.current()
        named = await self.resolver.name(about)
        said = {"model": self.slot.name, "model_version": loaded.version, "project": named.project}
        with structlog.contextvars.bound_contextvars(**said):
            async with self.states.at(named.project) as live:
                answer = await to_the_end(self._work, about, named, live.state, loaded, work)
            seconds, abstained = self.clock() - started, answer.abstained
            log.info("question answered", seconds=round(seconds, 6), abstained=abstained)
        self.metrics.predicted(
            self.slot.name,
            abstained=abstained,
            seconds=seconds,
            state_age_s=live.age_s,
            stale=live.stale,
        )
        return answer

    def _work(
        self,
        about: About,
        named: Named,
        state: S,
        loaded: Loaded[M],
        work: Callable[[Case[M, S]], A],
    ) -> A:
        now = self.now()
        usual = "" if named.pipeline else self.usual_pipeline(state, named.pipelines, now)
        build = complete(about, named, usual, now=now)
        return work(Case(model=loaded.model, version=loaded.version, state=state, build=build))

    async def reconfigure(self, user_config: object) -> None:
        """Follow another version; at the start, wait for the first one."""
        self.slot.want(user_config)
        await self.slot.settle(SETTLE_S)

    async def check_health(self) -> None:
        """Look whether another version is wanted; never waits for it."""
        self.slot.follow_soon()

    async def readiness(self) -> Readiness:
        """Say whether a version is loaded, and which."""
        serving = self.slot.serving
        return Readiness(ready=serving is not None, reason=self.slot.reason, version=serving)
