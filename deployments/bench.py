"""What a model replica works with: a loaded version, live states, and who is asked about."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import structlog

from deployments.answers import Readiness
from deployments.beside import Beside, Telling, names_a_build
from deployments.case import Case
from deployments.kept_answers import KeptAnswers, Key, whole_second
from deployments.live_state import FoldedState, Live, LiveStates
from deployments.log_quota import MODELS
from deployments.metrics import Metrics
from deployments.model_slot import Loaded, ModelSlot
from deployments.pace import Pace
from deployments.questions import About
from deployments.resolve import Named, Resolver, complete
from deployments.threads import to_the_end
from models.watch import Said

SETTLE_S = 20.0
"""How long a starting replica waits for its first version before it says that it is up."""
KEPT = 256
"""Answers that are kept, to be given again to the same question."""


class Question(Protocol):
    """What every question says."""

    @property
    def about(self) -> About:
        """The build it is about."""


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
        kept: Answers that may be given again.
        pace: Knows which work is short.
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
    kept: KeptAnswers[Any] = field(default_factory=lambda: KeptAnswers(KEPT))
    pace: Pace = field(default_factory=Pace)

    async def answer(
        self,
        question: Question,
        work: Callable[[Case[M, S]], A],
        said: Callable[[Case[M, S], A], Said | None] | None = None,
        *,
        kind: str = "",
    ) -> A:
        """Answer a question about a build.

        Work that is known to be short is done at once where the project's state is at hand; all
        other work in a thread, while the state is lent to it.

        Args:
            question: Equal questions of one *kind* have equal answers, unless that is empty.
            work: Makes the answer.
            said: What of the answer is to be compared with what comes, `None` if nothing is.
            kind: Which of the services' answers it is, for those that may be given again, or made
                on the loop while their like are short.

        Raises:
            ModelUnavailable: If no version is loaded.
            NotFound: If `build_id` names no recorded build.
            InvalidInput: If the names contradict each other.
            HistoryUnavailable: If the history cannot be read and the project is not known here.
        """
        started = self.clock()
        loaded = self.slot.current()
        named = await self.resolver.name(question.about)
        now = whole_second(self.now())
        again = partial(self._told, question.about, named, work, said, now)
        key = self._key(kind, question, loaded, named, now)
        kept = self._kept(key, named.project)
        live, answer, told = kept or await self._made(again, loaded, named.project, kind)
        if key is not None and kept is None:
            self.kept.put((key, live.state.as_of), answer)
        self._count(answer, loaded, named.project, live, self.clock() - started)
        if self.beside is not None and told is not None:
            self.beside.answered(
                question.about, told, version=loaded.version, again=lambda *w: again(*w)[1]
            )
        return answer

    def _kept(self, key: Hashable | None, project: str) -> tuple[Live[S], Any, None] | None:
        live = None if key is None else self.states.at_hand(project)
        if live is None:
            return None
        answer = self.kept.get((key, live.state.as_of))
        return None if answer is None else (live, answer, None)

    async def _made(
        self,
        again: Callable[[Loaded[M], S], tuple[A, Telling | None]],
        loaded: Loaded[M],
        project: str,
        kind: str,
    ) -> tuple[Live[S], A, Telling | None]:
        sort = (kind, project)
        names = {"model": self.slot.name, "model_version": loaded.version, "project": project}
        short = kind and self.pace.short(sort)
        live = self.states.at_hand(project) if short else None
        try:
            if live is not None:
                return live, *self.pace.of(sort, partial(again, loaded, live.state))
            with structlog.contextvars.bound_contextvars(**names):
                async with self.states.at(project) as lent:
                    work = partial(self.pace.of, sort, partial(again, loaded, lent.state))
                    short = kind and self.pace.short(sort)
                    return lent, *(work() if short else await to_the_end(work))
        except Exception:  # binding names costs more than most answers, and only a log wants them
            structlog.contextvars.bind_contextvars(**names)
            raise

    def _key(
        self, kind: str, question: Question, loaded: Loaded[M], named: Named, now: datetime
    ) -> Hashable | None:
        if not kind:
            return None
        names = (named.project, named.pipeline, named.pipelines)
        return Key((kind, loaded.version, names, question, now))

    def _count(
        self, answer: A, loaded: Loaded[M], project: str, live: Live[S], seconds: float
    ) -> None:
        abstained, left_out = answer.abstained, MODELS.left_out()
        self.metrics.predicted(
            self.slot.name,
            abstained=abstained,
            seconds=seconds,
            state_age_s=live.age_s,
            stale=live.stale,
        )
        if left_out is not None:
            more = {"left_out": left_out} if left_out else {}
            log.info(
                "question answered",
                model=self.slot.name,
                model_version=loaded.version,
                project=project,
                seconds=round(seconds, 6),
                abstained=abstained,
                **more,
            )

    def _told(  # noqa: PLR0913, PLR0917 - one question, and by whom and from what it is answered
        self,
        about: About,
        named: Named,
        work: Callable[[Case[M, S]], A],
        said: Callable[[Case[M, S], A], Said | None] | None,
        now: datetime,
        loaded: Loaded[M],
        state: S,
    ) -> tuple[A, Telling | None]:
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
        self.slot.show()
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
