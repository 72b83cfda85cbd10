"""The watcher of a model replica: what had been predicted for builds that have finished by now.

It walks each project's events in order, in the background and in states of its own. For every
build that is queued it makes the prediction that a live service would have made at that event, in
case nobody asks; for every build that ends it writes what came of all that was said of it. How far
it has come is a row in the database that moves in the same transaction, so a restart loses nothing
and several replicas count nothing twice.

Test reports alone bring nothing to say or to judge: they are read when a build is queued or ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Generic, Protocol, TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from deployments.case import Case
from deployments.escapes import tell_escapes
from deployments.live_state import FoldedState
from deployments.metrics import Metrics
from deployments.model_slot import Loaded, ModelSlot
from deployments.remembering import Remembering
from deployments.watched_states import Events, WatchedStates
from devmind.ci import BuildStatus
from devmind.errors import DevMindError
from history.columns import Unpacked
from history.events import BuildFinished, BuildQueued, ProjectSummary, StoredEvent
from history.linking import Told
from history.predicted import Prediction, Role, Step, Watch
from history.predictions import Judge
from models.manifest import Manifest
from models.watch import Said, encode, judged
from models.watch_reports import failing_tests

log = structlog.get_logger(__name__)

PAGE = 100
"""Events looked at before what they brought is written."""
STEPS = 50
"""Pages of one look; the rest comes with the next one."""
FIRST_EVENTS = 1_500
"""A project watched for the first time is watched from so many events ago, at most."""
LEASE_S = 60.0


class Watchable(Protocol):
    """What is needed of a model."""

    manifest: Manifest


M = TypeVar("M", bound=Watchable)
S = TypeVar("S", bound=FoldedState)


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes(Generic[M, S]):
    """What a watcher needs to know of a kind of model.

    Attributes:
        tell: What a version says of a queued build; `None` where it abstains.
        drift: How far a project has moved since the version was trained, as it is kept.
        names: Names of tests by their numbers; with it, what was said of a build is judged by its
            failing tests, and those that a selection had left out are named in the log.
    """

    tell: Callable[[Case[M, S]], Said | None]
    drift: Callable[[Loaded[M], S, str], bytes]
    names: Callable[[S, NDArray[np.int32]], list[str]] | None = None


class WatchedHistory(Events, Protocol):
    """The part of `HistoryStore` that is needed here; every call blocks."""

    def projects(self) -> list[ProjectSummary]:
        """Return what is recorded of each project."""

    def queued(self, build_id: str) -> BuildQueued:
        """Return the event by which a build was queued."""

    def unpacked_reports(self, build_id: str, *, until: int) -> list[Unpacked]:
        """Return a build's test reports."""


class Book(Protocol):
    """The part of `PredictionStore` that is needed here; every call blocks."""

    def advance(self, step: Step, judge: Judge) -> list[Prediction] | None:
        """Write what watching has brought."""

    def watches(self, model: str) -> dict[str, Watch]:
        """Return how far each project has been watched."""

    def lease(self, name: str, holder: str, *, now: datetime, for_s: float) -> bool:
        """Take or renew a lease."""


class Watcher(Generic[M, S]):
    """Watches the projects for one model.

    Args:
        slot: The version that serves.
        shadow: The version that answers beside it, if there is one.
        eyes: What it needs to know of the model.
        states: Folded up to where has been watched.
        history: Where events are.
        book: Where predictions are.
        memory: What callers were told and is not written yet.
        metrics: Counts builds and escapes.
        now: The time, aware UTC.
        holder: Names this replica.
    """

    def __init__(  # noqa: PLR0913 - all by keyword, each a part of its own
        self,
        *,
        slot: ModelSlot[M],
        shadow: ModelSlot[M],
        eyes: Eyes[M, S],
        states: WatchedStates[S],
        history: WatchedHistory,
        book: Book,
        memory: Remembering,
        metrics: Metrics,
        now: Callable[[], datetime],
        holder: str,
    ) -> None:
        self._slot, self._shadow = slot, shadow
        self._eyes = eyes
        self._states, self._history, self._book = states, history, book
        self._memory, self._metrics = memory, metrics
        self._now, self._holder = now, holder
        self._looking: asyncio.Task[None] | None = None
        self._watched: dict[str, tuple[int, int]] = {}

    def look_soon(self) -> asyncio.Task[None]:
        """Start to look unless that is under way; never blocks."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self.look())
        return self._looking

    async def look(self) -> None:
        """Write what was said, and watch what has happened since the last look; never raises."""
        try:
            await asyncio.to_thread(self._memory.write)
            loaded = self._slot.loaded
            if loaded is None or not await asyncio.to_thread(self._holds):
                return
            for project, watch in await asyncio.to_thread(self._behind):
                if await asyncio.to_thread(self._catch_up, project, watch, loaded):
                    self._watched[project.project] = (project.builds, project.finished)
        except DevMindError as error:
            log.warning("not watched", model=self._slot.name, why=str(error))
        except Exception:
            log.exception("not watched", model=self._slot.name)

    def _holds(self) -> bool:
        name, now = f"watching {self._slot.name}", self._now()
        return self._book.lease(name, self._holder, now=now, for_s=LEASE_S)

    def _behind(self) -> list[tuple[ProjectSummary, int | None]]:
        seen = self._book.watches(self._slot.name)
        marks = [(found, seen.get(found.project)) for found in self._history.projects()]
        return [
            (found, None if watch is None else watch.as_of)
            for found, watch in marks
            if watch is None or (watch.as_of < found.last_sequence and self._has_news(found))
        ]

    def _has_news(self, found: ProjectSummary) -> bool:
        """Whether a build was queued or has ended since this replica came to the newest event."""
        return self._watched.get(found.project) != (found.builds, found.finished)

    def _catch_up(self, project: ProjectSummary, mark: int | None, loaded: Loaded[M]) -> bool:
        """Watch a project's events; whether it came to the newest one."""
        name, at = project.project, mark
        for _ in range(STEPS):
            start = self._first(project, loaded) if at is None else at
            state = self._states.at(name, start)
            events = self._history.tail(name, after=start, limit=PAGE)
            if not events and mark is not None:
                return True
            after = events[-1].sequence if events else start
            step = self._step(name, state, events, loaded, before=at, after=after)
            if not self._written(step, state):
                self._states.forget(name)  # another replica was here
                return False
            self._states.keep(name, state, after)
            at = mark = after
            if len(events) < PAGE:
                return True
        return False

    def _first(self, project: ProjectSummary, loaded: Loaded[M]) -> int:
        learned = _learned_until(loaded, project.project)
        return min(max(learned, project.last_sequence - FIRST_EVENTS, 0), project.last_sequence)

    def _step(  # noqa: PLR0913 - the parts of a step
        self,
        project: str,
        state: S,
        events: Sequence[StoredEvent],
        loaded: Loaded[M],
        *,
        before: int | None,
        after: int,
    ) -> Step:
        made: list[Prediction] = []
        told: list[Told] = []
        for event in events:
            state.update(event)
            if isinstance(event, BuildQueued):
                made += self._predictions(event, state, loaded)
            elif isinstance(event, BuildFinished):
                told += self._told(event)
        return Step(
            model=self._slot.name,
            project=project,
            before=before,
            after=after,
            drift=self._eyes.drift(loaded, state, project),
            made=made,
            told=told,
            now=self._now(),
        )

    def _predictions(self, event: BuildQueued, state: S, loaded: Loaded[M]) -> Iterator[Prediction]:
        sides: list[tuple[Loaded[M] | None, Role]] = [
            (loaded, "champion"),
            (self._shadow.loaded, "shadow"),
        ]
        for version, role in sides:
            if version is None or (role == "shadow" and version.version == loaded.version):
                continue
            if event.sequence <= _learned_until(version, event.build.project):
                continue  # it has learned from this build
            said = self._say(event, state, version)
            if said is not None:
                yield _prediction(self._slot.name, event, version.version, role, said, self._now())

    def _say(self, event: BuildQueued, state: S, loaded: Loaded[M]) -> Said | None:
        case = Case(model=loaded.model, version=loaded.version, state=state, build=event.build)
        try:
            return self._eyes.tell(case)
        except Exception:
            log.exception("nothing said", model=self._slot.name, version=loaded.version)
            self._metrics.forgotten(self._slot.name, "failed")
            return None

    def _told(self, event: BuildFinished) -> list[Told]:
        outcome = event.outcome
        if outcome.status not in (BuildStatus.PASSED, BuildStatus.FAILED):
            return []
        queued = self._history.queued(event.build_id)
        build = queued.build
        return [
            Told(
                build_id=event.build_id,
                pipeline=build.pipeline,
                branch=build.change.branch,
                commit=build.change.commit,
                queued=queued.sequence,
                known_at=event.sequence,
                failed=outcome.status is BuildStatus.FAILED,
                duration_s=outcome.duration_s(build.queued_at),
                failing=self._failing(event),
            )
        ]

    def _failing(self, event: BuildFinished) -> NDArray[np.int32]:
        reports: list[Unpacked] = []
        if self._eyes.names is not None:
            reports = self._history.unpacked_reports(event.build_id, until=event.sequence)
        return failing_tests((report.tests, report.verdicts) for report in reports)

    def _written(self, step: Step, state: S) -> bool:
        model = self._slot.name

        def judge(body: bytes, told: Told) -> bytes:
            return judged(
                model,
                body,
                failed=told.failed,
                duration_s=told.duration_s,
                failing=told.failing,
            )

        found = self._book.advance(step, judge)
        if found is None:
            return False
        escaped = [prediction for prediction in found if self._metrics.watched(prediction)]
        self._tell_escapes(escaped, step, state)
        return True

    def _tell_escapes(self, escaped: Sequence[Prediction], step: Step, state: S) -> None:
        names, ended = self._eyes.names, {told.build_id: told for told in step.told}
        for prediction in escaped:
            told = ended.get(prediction.build_id or "")
            if told is not None and names is not None:
                tell_escapes(prediction, told, partial(names, state))


def _prediction(  # noqa: PLR0913, PLR0917 - the parts of one row
    model: str, event: BuildQueued, version: str, role: Role, said: Said, now: datetime
) -> Prediction:
    build = event.build
    return Prediction(
        model=model,
        version=version,
        role=role,
        made_by="watcher",
        made_at=now,
        as_of=event.sequence,
        project=build.project,
        pipeline=build.pipeline,
        branch=build.change.branch,
        commit=build.change.commit,
        build_id=event.build_id,
        body=encode(said),
    )


def _learned_until(loaded: Loaded[M], project: str) -> int:
    return loaded.model.manifest.learned_until.get(project, -1)
