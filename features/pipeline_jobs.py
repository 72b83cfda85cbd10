"""What the jobs of a pipeline's recent builds did, and what those of a running build do now.

The memory is of finished builds. `Progress` is known only while a build runs: it answers
questions, and is no column of any model's rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from features.context import Ended
from features.feature import KnownAt
from features.frozen import Tree
from features.recent import Recent

BUILDS = 20
"""Builds remembered of a pipeline."""
JOBS = 100
"""Jobs remembered of a build: those that end last."""
PIPELINES = 64
_LONGEST_NAME = 200


JobState = Literal["queued", "running", "ended", "left_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpan:
    """When a job of a finished build ran, in seconds after the build's first job started."""

    name: str
    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """How long it ran."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A build that passed: how long it took, and its jobs in the order in which they started."""

    duration_s: float
    jobs: tuple[JobSpan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """What is known of a job while its build runs.

    Attributes:
        name: The job.
        state: What it does; `ended` whether it passed or failed, `left_out` if it was skipped.
        start_s: When it started, in seconds after the build did; `None` if nobody says.
        end_s: When it ended; `None` if it has not, or nobody says.
    """

    name: str
    state: JobState = "running"
    start_s: float | None = None
    end_s: float | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in ("ended", "left_out")

    @property
    def ran(self) -> bool:
        """Whether it has started."""
        return self.state in ("running", "ended")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a running build has come.

    Attributes:
        known_at: While the build runs; never part of a row that a model learns from.
        elapsed_s: Seconds since its first job started.
        jobs: Jobs that have ended, run or wait; nothing is known of the others.
    """

    known_at: ClassVar[KnownAt] = "running"

    elapsed_s: float
    jobs: tuple[JobProgress, ...] = ()


class JobBook:
    """Keeps the last builds of every pipeline that passed, job by job."""

    def __init__(self) -> None:
        self._runs: Recent[list[PastRun]] = Recent(limit=PIPELINES)

    def read(self, pipeline: str) -> tuple[PastRun, ...]:
        """Return the last builds of *pipeline* that passed, newest first, at most `BUILDS`."""
        return tuple(self._runs.get(pipeline) or ())

    def finished(self, ended: Ended) -> None:
        """Learn a build that passed; others end early."""
        if not ended.passed:
            return
        pipeline = ended.traits.pipeline
        run = PastRun(duration_s=ended.duration_s, jobs=_spans(ended))
        self._runs.put(pipeline, [run, *(self._runs.get(pipeline) or ())][:BUILDS])

    def freeze(self) -> Tree:
        """Return the runs by pipeline: duration, then name, start and end of each job."""
        return self._runs.freeze(lambda runs: [_written(run) for run in runs])

    def thaw(self, tree: Tree) -> None:
        """Take over what `freeze` returned."""
        self._runs.thaw(tree, lambda runs: [_run(*row) for row in runs])


def _spans(ended: Ended) -> tuple[JobSpan, ...]:
    ran = [
        (job.started_at.timestamp(), job.finished_at.timestamp(), job.name[:_LONGEST_NAME])
        for job in ended.outcome.jobs
        if job.started_at and job.finished_at
    ]
    first = min((start for start, _, _ in ran), default=0.0)
    last = sorted(ran, key=lambda span: (-span[1], span[2]))[:JOBS]
    return tuple(
        JobSpan(name=name, start_s=start - first, end_s=max(start, end) - first)
        for start, end, name in sorted(last)
    )


def _written(run: PastRun) -> Tree:
    return [run.duration_s, [[job.name, job.start_s, job.end_s] for job in run.jobs]]


def _run(duration_s: float, jobs: list[Tree]) -> PastRun:
    spans = (JobSpan(name=name, start_s=start, end_s=end) for name, start, end in jobs)
    return PastRun(duration_s=duration_s, jobs=tuple(spans))
