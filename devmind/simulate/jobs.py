"""The jobs of a simulated build: their steps, how long each takes, where they stop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from devmind.ci import BuildStatus, Job, Step
from devmind.simulate.hours import load_factor

RUNNER = "ubuntu-latest"

SET_UP = "Set up job"
COMPLETE = "Complete job"

_ALWAYS = ("Post ", "Upload ", COMPLETE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A step to be done: how long it takes, and whether it fails."""

    name: str
    seconds: float
    fails: bool = False


class Machine:
    """Runs jobs: a bit slower at noon, and never twice alike.

    Args:
        rng: Where the noise comes from.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def run(self, name: str, works: Sequence[Work], *, ready_at: datetime) -> Job:
        """Run a job; after a step that fails only the ones that clean up still run."""
        load = load_factor(ready_at)
        at = ready_at + timedelta(seconds=round(self._rng.uniform(2, 9) * load**3))
        started_at, speed = at, load * math.exp(self._rng.gauss(0, 0.06))
        failed, steps = False, []
        for work in works:
            if failed and not work.name.startswith(_ALWAYS):
                steps.append(Step(name=work.name, status=BuildStatus.SKIPPED))
                continue
            end = at + timedelta(seconds=round(work.seconds * speed))
            status = BuildStatus.FAILED if work.fails else BuildStatus.PASSED
            steps.append(Step(name=work.name, status=status, started_at=at, finished_at=end))
            failed, at = failed or work.fails, end
        return Job(
            name=name,
            status=BuildStatus.FAILED if failed else BuildStatus.PASSED,
            queued_at=ready_at,
            started_at=started_at,
            finished_at=at,
            runner=RUNNER,
            steps=tuple(steps),
        )


def skipped(name: str, at: datetime) -> Job:
    """Return a job that did not run."""
    return Job(name=name, status=BuildStatus.SKIPPED, queued_at=at, runner=RUNNER)


def cancelled(jobs: Sequence[Job], at: datetime) -> tuple[Job, ...]:
    """Return *jobs* as they are when the build is cancelled at *at*."""
    return tuple(_cut(job, at) for job in jobs if job.queued_at is None or job.queued_at <= at)


def _cut(job: Job, at: datetime) -> Job:
    if job.started_at is None or job.finished_at is None or job.finished_at <= at:
        return job
    if job.started_at >= at:
        return skipped(job.name, job.queued_at or at)
    steps = tuple(_cut_step(step, at) for step in job.steps)
    return replace(job, status=BuildStatus.CANCELED, finished_at=at, steps=steps)


def _cut_step(step: Step, at: datetime) -> Step:
    if step.started_at is None or step.finished_at is None or step.finished_at <= at:
        return step
    if step.started_at >= at:
        return Step(name=step.name, status=BuildStatus.SKIPPED)
    return replace(step, status=BuildStatus.CANCELED, finished_at=at)
