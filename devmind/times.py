"""Whether the times of a build can be true."""

from __future__ import annotations

from datetime import datetime, timedelta

from devmind.ci import BuildOutcome, QueuedBuild
from devmind.errors import InvalidInput

CLOCK_SKEW = timedelta(minutes=5)
"""How far a CI machine's clock may run ahead of the service's."""


def check_queued(build: QueuedBuild, *, now: datetime) -> None:
    """Refuse a build that was queued in the future.

    Raises:
        InvalidInput: If `queued_at` is more than `CLOCK_SKEW` after *now*.
    """
    _not_in_the_future("queued_at", build.queued_at, now)


def check_outcome(outcome: BuildOutcome, *, queued_at: datetime, now: datetime) -> None:
    """Refuse an outcome before its build was queued, or in the future.

    Raises:
        InvalidInput: If the times are out of order or more than `CLOCK_SKEW` after *now*.
    """
    _not_in_the_future("finished_at", outcome.finished_at, now)
    first = outcome.started_at or outcome.finished_at
    if outcome.finished_at < first:
        raise InvalidInput(
            "finished_at lies before started_at",
            outcome.finished_at.isoformat(),
            f"The build started at {first.isoformat()}.",
        )
    if outcome.finished_at < queued_at - CLOCK_SKEW:
        raise InvalidInput(
            "finished_at lies before queued_at",
            outcome.finished_at.isoformat(),
            f"The build was queued at {queued_at.isoformat()}.",
        )
    for job in outcome.jobs:
        _check_span(f"job {job.name!r}", job.started_at, job.finished_at)
        for step in job.steps:
            _check_span(f"step {step.name!r} of {job.name!r}", step.started_at, step.finished_at)


def _not_in_the_future(field: str, at: datetime, now: datetime) -> None:
    if at > now + CLOCK_SKEW:
        advice = f"It is {now.isoformat()} here; check the clock of the machine that sent it."
        raise InvalidInput(f"{field} lies in the future", at.isoformat(), advice)


def _check_span(what: str, started_at: datetime | None, finished_at: datetime | None) -> None:
    if started_at and finished_at and finished_at < started_at:
        advice = f"It started at {started_at.isoformat()}; send both times in order."
        raise InvalidInput(f"{what} finishes before it starts", finished_at.isoformat(), advice)
