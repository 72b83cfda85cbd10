"""Finding leaks: columns whose rows change when nothing but the future does.

A row is read when its build is queued. So replaying a history as it was, and once more with other
outcomes for all that had not finished by a moment, must give equal rows up to that moment. A
column that differs has seen an outcome too early: the build's own, or that of a build still
running.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from devmind.ci import (
    BuildOutcome,
    BuildStatus,
    FinishedBuild,
    Job,
    QueuedBuild,
    Step,
    TestReport,
    TestRun,
    Verdict,
)
from devmind.events import Event, in_order_of_time

MOMENTS = 4
"""At so many moments the future is altered."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Readings:
    """Rows as they were read when their builds were queued.

    Attributes:
        names: The columns.
        rows: float (n, k).
        keys: Of each row: its build, and what of it the row is about, such as a test's name.
    """

    names: tuple[str, ...]
    rows: NDArray[np.floating]
    keys: Sequence[tuple[str, str]]


Replay = Callable[[list[Event]], Readings]
"""Folds a history and returns the rows it read on the way."""


def leaking_columns(
    replay: Replay, builds: Iterable[FinishedBuild], *, seed: int, moments: int = MOMENTS
) -> tuple[str, ...]:
    """Return the columns of which rows hang on what was not known when they were read.

    Args:
        replay: What is under suspicion.
        builds: A history; the more of it overlaps in time, the more is found.
        seed: Of the moments and the altered outcomes.
        moments: How many times the future is altered, each time from the queueing of a build
            chosen at random, at first of those that were queued while another one ran.

    Returns:
        In the order of the columns. A row that is there in one replay only is not compared.
    """
    rng = np.random.default_rng(seed)
    ordered = sorted(builds, key=lambda one: one.build.queued_at)
    as_it_was = replay(list(in_order_of_time(ordered)))
    leaking: set[str] = set()
    for moment in _moments(ordered, rng)[:moments]:
        otherwise = with_other_outcomes(ordered, after=moment, rng=rng)
        earlier = {one.build.build_id for one in ordered if one.build.queued_at <= moment}
        other = replay(list(in_order_of_time(otherwise)))
        leaking.update(changed_columns(as_it_was, other, earlier))
    return tuple(name for name in as_it_was.names if name in leaking)


def _moments(ordered: Sequence[FinishedBuild], rng: Generator) -> list[datetime]:
    busy, idle, last_end = set[datetime](), set[datetime](), datetime.min.replace(tzinfo=UTC)
    for one in ordered:
        queued_at = one.build.queued_at
        (busy if last_end > queued_at else idle).add(queued_at)
        last_end = max(last_end, one.outcome.finished_at)
    chosen = (sorted(busy), sorted(idle - busy))
    return [times[place] for times in chosen for place in rng.permutation(len(times))]


def changed_columns(one: Readings, other: Readings, builds: Collection[str]) -> tuple[str, ...]:
    """Return the columns in which the rows of *builds* differ; NaN equals NaN."""
    place = {key: i for i, key in enumerate(other.keys)}
    shared = [(i, place[k]) for i, k in enumerate(one.keys) if k[0] in builds and k in place]
    mine, theirs = np.array(shared, dtype=np.int64).reshape(-1, 2).T
    was, now = one.rows[mine], other.rows[theirs]
    differ = (was != now) & ~(np.isnan(was) & np.isnan(now))
    return tuple(one.names[i] for i in np.flatnonzero(differ.any(axis=0)))


def with_other_outcomes(
    builds: Sequence[FinishedBuild], *, after: datetime, rng: Generator
) -> list[FinishedBuild]:
    """Return *builds* with another outcome for each that finished later than *after*.

    What failed passes and the other way round, durations are others, and the build still finishes
    later than *after*. Which tests ran stays, how they went does not.
    """
    return [
        _otherwise(one, after, rng) if one.outcome.finished_at > after else one for one in builds
    ]


def _otherwise(one: FinishedBuild, after: datetime, rng: Generator) -> FinishedBuild:
    queued_at, was = one.build.queued_at, one.outcome
    lasted_s = (was.finished_at - queued_at).total_seconds()
    later_s = float(rng.uniform(1.0, 2.0 * max(lasted_s, 0.0) + 3_600.0))
    finished_at = max(queued_at, after) + timedelta(seconds=later_s)
    stretch = (finished_at - queued_at).total_seconds() / max(lasted_s, 1.0)
    outcome = BuildOutcome(
        status=_opposite(was.status),
        finished_at=finished_at,
        started_at=_moved(was.started_at, one.build, stretch),
        jobs=tuple(_job(job, one.build, stretch) for job in was.jobs),
    )
    reports = tuple(_report(report, rng) for report in one.reports)
    return FinishedBuild(build=one.build, outcome=outcome, reports=reports)


def _opposite(status: BuildStatus) -> BuildStatus:
    return BuildStatus.PASSED if status is BuildStatus.FAILED else BuildStatus.FAILED


def _moved(at: datetime | None, build: QueuedBuild, stretch: float) -> datetime | None:
    return at and build.queued_at + (at - build.queued_at) * stretch


def _job(job: Job, build: QueuedBuild, stretch: float) -> Job:
    return replace(
        job,
        status=_opposite(job.status),
        queued_at=_moved(job.queued_at, build, stretch),
        started_at=_moved(job.started_at, build, stretch),
        finished_at=_moved(job.finished_at, build, stretch),
        steps=tuple(_step(step, build, stretch) for step in job.steps),
    )


def _step(step: Step, build: QueuedBuild, stretch: float) -> Step:
    return replace(
        step,
        status=_opposite(step.status),
        started_at=_moved(step.started_at, build, stretch),
        finished_at=_moved(step.finished_at, build, stretch),
    )


def _report(report: TestReport, rng: Generator) -> TestReport:
    seconds = rng.uniform(0.0, 100.0, len(report.runs)).tolist()
    runs = (_run(run, duration_s) for run, duration_s in zip(report.runs, seconds, strict=True))
    return replace(report, runs=tuple(runs))


def _run(run: TestRun, duration_s: float) -> TestRun:
    if run.verdict is Verdict.SKIPPED:
        return run
    verdict = Verdict.PASSED if run.verdict.failing else Verdict.FAILED
    return replace(run, verdict=verdict, duration_s=duration_s)
