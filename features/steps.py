"""Where a pipeline's time goes: durations of its jobs and steps over recent passed builds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from devmind.ci import BuildStatus, Job, Step
from features.context import Ended
from features.frozen import Tree
from features.recent import Recent, key

RECENT = 10
"""Durations in the recent median."""
OLDER = 20
"""Durations before these, in the reference median."""
EXAMPLES = 3
STALE_BUILDS = 20
"""A step that none of this many passed builds ran is no longer part of the pipeline."""
LIMIT = 4_096
HALF_LIFE = 5.0

_ALPHA = 1 - 2 ** (-1 / HALF_LIFE)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFacts:
    """How long a job or one of its steps takes in builds that pass.

    Attributes:
        job: The job's name.
        step: The step's name; empty for the job as a whole.
        ewma_s: Smoothed duration.
        recent_median_s: Median of the last `RECENT` durations.
        older_median_s: Median of up to `OLDER` durations before these; `None` while too few.
        job_share: Part of the job's smoothed duration; 1 for the job itself.
        last_share: Share of recent builds in which this job was the last to end: only such a
            job's seconds are the build's.
        seen: How often it ran.
        examples: Builds that ran it last, newest first.
    """

    job: str
    step: str
    ewma_s: float
    recent_median_s: float
    older_median_s: float | None
    job_share: float
    last_share: float
    seen: int
    examples: tuple[str, ...]


@dataclass(slots=True)
class _Track:
    job: str
    step: str
    seen: int = 0
    build: int = 0
    ewma_s: float = 0.0
    last_share: float = 0.0
    durations_s: list[float] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)

    def add(self, duration_s: float, *, last: bool, build: int, build_id: str) -> None:
        weight = _ALPHA if self.seen else 1.0
        self.seen += 1
        self.build = build
        self.ewma_s += weight * (duration_s - self.ewma_s)
        self.last_share += weight * (last - self.last_share)
        self.durations_s = [duration_s, *self.durations_s[: RECENT + OLDER - 1]]
        self.examples = [build_id, *self.examples[: EXAMPLES - 1]]

    def facts(self, job: _Track) -> StepFacts:
        older = self.durations_s[RECENT:]
        return StepFacts(
            job=self.job,
            step=self.step,
            ewma_s=self.ewma_s,
            recent_median_s=median(self.durations_s[:RECENT]),
            older_median_s=median(older) if older else None,
            job_share=min(1.0, self.ewma_s / job.ewma_s) if job.ewma_s else 0.0,
            last_share=job.last_share,
            seen=self.seen,
            examples=tuple(self.examples),
        )

    def freeze(self) -> Tree:
        return [getattr(self, name) for name in self.__slots__]


class StepBook:
    """Learns the durations of jobs and steps from builds that passed."""

    def __init__(self) -> None:
        self._tracks: Recent[_Track] = Recent(limit=LIMIT)
        self._passed: Recent[int] = Recent()

    def read(self, pipeline: str) -> list[StepFacts]:
        """Return the jobs and steps of *pipeline* that still run, the longest first."""
        newest = self._passed.get(pipeline) or 0
        prefix = key("pipeline", pipeline)
        tracks = [
            (name, track)
            for name, track in self._tracks.items()
            if name.startswith(f"{prefix}\1") and newest - track.build < STALE_BUILDS
        ]
        jobs = {track.job: track for _, track in tracks if not track.step}
        facts = [track.facts(jobs[track.job]) for _, track in tracks if track.job in jobs]
        return sorted(facts, key=lambda fact: (-fact.ewma_s, fact.job, fact.step))

    def finished(self, ended: Ended) -> None:
        """Learn the jobs and steps of a build that passed."""
        if not (ended.passed and ended.outcome.jobs):
            return
        pipeline = ended.traits.pipeline
        build = (self._passed.get(pipeline) or 0) + 1
        self._passed.put(pipeline, build)
        ends = [job.finished_at for job in ended.outcome.jobs if job.finished_at]
        for job, step, duration_s in _spans(ended.outcome.jobs):
            name = f"{key('pipeline', pipeline)}\1{key(job.name, step)}"
            track = self._tracks.get(name) or _Track(job=job.name, step=step)
            last = job.finished_at == max(ends)
            track.add(duration_s, last=last, build=build, build_id=ended.traits.build_id)
            self._tracks.put(name, track)

    def freeze(self) -> Tree:
        """Return tracks and counts."""
        return [self._tracks.freeze(_Track.freeze), self._passed.freeze()]

    def thaw(self, tree: Tree) -> None:
        """Take over what `freeze` returned."""
        self._tracks.thaw(tree[0], lambda row: _Track(*row))
        self._passed.thaw(tree[1])


def _spans(jobs: tuple[Job, ...]) -> Iterator[tuple[Job, str, float]]:
    for job in jobs:
        seconds = _seconds(job)
        if seconds is None:
            continue
        yield job, "", seconds
        for step in job.steps:
            duration_s = _seconds(step)
            if step.name and duration_s is not None:
                yield job, step.name, duration_s


def _seconds(span: Job | Step) -> float | None:
    if span.status is not BuildStatus.PASSED or not (span.started_at and span.finished_at):
        return None
    return max(0.0, (span.finished_at - span.started_at).total_seconds())
