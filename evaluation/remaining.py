"""How well the time left of running builds is predicted: history replayed, builds asked midway."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

import numpy as np
from numpy.typing import NDArray

from devmind.ci import BuildOutcome, QueuedBuild
from features.build_state import BuildState
from features.pipeline_jobs import JobProgress, Progress
from history.events import BuildFinished, BuildQueued, StoredEvent
from models.remaining import remaining

Floats = NDArray[np.float64]
PredictTotal = Callable[[BuildState, QueuedBuild], Floats]
"""The project as it is known and a build that runs -> p10, p50, p90 of its whole duration."""

SHARES = (0.25, 0.5, 0.75)
"""Of a build's real duration: when it is asked about."""
WINDOW = 7
OURS, MINUS_ELAPSED, MEDIAN = "remaining", "predicted total - elapsed", "median of 7 - elapsed"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AskedMidway:
    """A running build: what was said of the time left, and what it was.

    Attributes:
        build_id: The build.
        share: How much of its real duration had passed.
        elapsed_s: The same in seconds.
        actual_s: Seconds that were left.
        said_s: Rule -> p10, p50, p90 in seconds (3,); NaN where a rule says nothing.
    """

    build_id: str
    share: float
    elapsed_s: float
    actual_s: float
    said_s: Mapping[str, Floats]


@dataclass(order=True, slots=True)
class _Ask:
    at: datetime
    build_id: str
    share: float
    build: QueuedBuild = field(compare=False)
    outcome: BuildOutcome = field(compare=False)


def walk_remaining(
    events: Sequence[StoredEvent],
    predict: PredictTotal,
    *,
    asked: Collection[str],
    shares: Sequence[float] = SHARES,
) -> list[AskedMidway]:
    """Ask for the time left of running builds, each at several moments.

    Args:
        events: A project's, in the order of their sequence numbers.
        predict: The model; must not have learned from the builds that are asked about.
        asked: Builds to ask about.
        shares: Of a build's duration, when to ask.

    Returns:
        In order of the moments. At each of them only what was recorded before it is known: events
        with an earlier time, and of the build itself the jobs that had started by then.
    """
    outcomes = {e.build_id: e.outcome for e in events if isinstance(e, BuildFinished)}
    state, waiting, rows = BuildState(), list[_Ask](), list[AskedMidway]()
    for event in events:
        at = _time(event)
        while waiting and at is not None and waiting[0].at < at:
            rows.append(_answer(heapq.heappop(waiting), state, predict))
        state.update(event)
        if isinstance(event, BuildQueued) and event.build_id in asked:
            for ask in _asks(event.build, outcomes.get(event.build_id), shares):
                heapq.heappush(waiting, ask)
    rows.extend(_answer(ask, state, predict) for ask in sorted(waiting))
    return rows


def progress_at(outcome: BuildOutcome, start: datetime, elapsed_s: float) -> Progress:
    """Return what was known of a build's jobs *elapsed_s* after its *start*."""
    now = start + timedelta(seconds=elapsed_s)
    return Progress(elapsed_s=elapsed_s, jobs=tuple(_known(outcome, start, now)))


def _known(outcome: BuildOutcome, start: datetime, now: datetime) -> Iterator[JobProgress]:
    for job in outcome.jobs:
        if job.started_at and job.finished_at and job.started_at <= now:
            ended = job.finished_at <= now
            yield JobProgress(
                name=job.name,
                start_s=(job.started_at - start).total_seconds(),
                end_s=(job.finished_at - start).total_seconds() if ended else None,
                state="ended" if ended else "running",
            )


def _asks(
    build: QueuedBuild, outcome: BuildOutcome | None, shares: Sequence[float]
) -> Iterable[_Ask]:
    duration_s = 0.0 if outcome is None else outcome.duration_s(build.queued_at)
    if outcome is None or not duration_s:
        return
    start = _start(build, outcome)
    for share in shares:
        at = start + timedelta(seconds=share * duration_s)
        yield _Ask(at, str(build.build_id), share, build, outcome)


def _answer(ask: _Ask, state: BuildState, predict: PredictTotal) -> AskedMidway:
    total_s = ask.outcome.duration_s(ask.build.queued_at)
    elapsed_s = ask.share * total_s
    runs = state.jobs.read(ask.build.pipeline)
    predicted_s = predict(state, ask.build)
    found = remaining(
        predicted_s, runs, progress_at(ask.outcome, _start(ask.build, ask.outcome), elapsed_s)
    )
    usual_s = median([run.duration_s for run in runs[:WINDOW]]) if runs else float("nan")
    said = {
        OURS: np.array([found.p10_s, found.p50_s, found.p90_s]),
        MINUS_ELAPSED: np.maximum(0.0, predicted_s - elapsed_s),
        MEDIAN: np.full(3, np.maximum(0.0, usual_s - elapsed_s)),
    }
    return AskedMidway(
        build_id=ask.build_id,
        share=ask.share,
        elapsed_s=elapsed_s,
        actual_s=total_s - elapsed_s,
        said_s=said,
    )


def _start(build: QueuedBuild, outcome: BuildOutcome) -> datetime:
    starts = [job.started_at for job in outcome.jobs if job.started_at and job.finished_at]
    return min(starts, default=outcome.started_at or build.queued_at)


def _time(event: StoredEvent) -> datetime | None:
    if isinstance(event, BuildQueued):
        return event.build.queued_at
    return event.outcome.finished_at if isinstance(event, BuildFinished) else None
