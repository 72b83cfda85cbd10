"""One way in which a running build may go on: as an earlier build did, shorter or longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from features.pipeline_jobs import JobProgress, JobSpan, PastRun, Progress

SHORTEST_S = 1.0
"""A shorter build says nothing of the proportions of a longer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """When a build ends if it takes a course.

    Attributes:
        total_s: Seconds from the start of its first job to its end.
        still_possible: Whether the build can take this course, given how long it has run.
        waits_for: The job that ends last; empty where the course knows none.
    """

    total_s: float
    still_possible: bool
    waits_for: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A total duration, and the jobs that make it up, in the order in which they start.

    A job that has not started yet starts as long after the last of the jobs that ended before it
    as it did in the earlier build. What takes longer than the course foresees goes on for
    `patience` times as long as it is overdue.
    """

    total_s: float
    jobs: tuple[JobSpan, ...] = ()
    patience: float = 0.0

    @classmethod
    def like(cls, run: PastRun, *, total_s: float, patience: float = 0.0) -> Course:
        """Return the course of *run*, stretched to last *total_s*."""
        scale = total_s / run.duration_s if run.duration_s >= SHORTEST_S else 1.0
        stretched = tuple(
            JobSpan(name=job.name, start_s=scale * job.start_s, end_s=scale * job.end_s)
            for job in run.jobs
        )
        return cls(total_s=total_s, jobs=stretched, patience=patience)

    def end(self, progress: Progress) -> End:
        """Return when a build that has come as far as *progress* ends on this course."""
        if not (progress.jobs and self.jobs):
            last = max(self.jobs, key=lambda job: job.end_s).name if self.jobs else ""
            possible = self.total_s > progress.elapsed_s
            return End(total_s=self.total_s, still_possible=possible, waits_for=last)
        ends, waiting = self._ends(progress)
        for name, since_s in _strangers(progress, {job.name for job in self.jobs}):
            ends[name] = self._overdue(since_s, progress.elapsed_s)
            waiting = True
        if not ends:
            total_s = self._overdue(_last_end(progress), progress.elapsed_s)
            return End(total_s=total_s, still_possible=True, waits_for="")
        last, total_s = max(ends.items(), key=lambda item: item[1])
        possible = waiting or total_s > progress.elapsed_s
        return End(
            total_s=max(total_s, progress.elapsed_s), still_possible=possible, waits_for=last
        )

    def _ends(self, progress: Progress) -> tuple[dict[str, float], bool]:
        """Return the ends of the jobs that are not over, and whether any has yet to start."""
        told = {job.name: job for job in progress.jobs}
        out = left_out(self.jobs, progress)
        by_end = sorted(self.jobs, key=lambda job: job.end_s)
        actual: dict[str, float] = {}
        unfinished: dict[str, float] = {}
        passed, before_s, after_s, waiting = 0, 0.0, 0.0, False
        for job in self.jobs:
            while by_end[passed].end_s <= job.start_s and by_end[passed] is not job:
                before_s = by_end[passed].end_s
                after_s = max(after_s, actual.get(by_end[passed].name, 0.0))
                passed += 1
            if job.name in out:
                continue
            due_s = after_s + job.start_s - before_s
            start_s = max(due_s, self._overdue(due_s, progress.elapsed_s))
            now = told.get(job.name)
            end_s = _end(job, now, start_s, progress.elapsed_s)
            if now is None or not now.over:
                unfinished[job.name] = max(end_s, unfinished.get(job.name, 0.0))
                waiting |= now is None or not now.ran
                end_s = max(end_s, self._overdue(end_s, progress.elapsed_s))
            actual[job.name] = max(end_s, actual.get(job.name, 0.0))
        return unfinished, waiting

    def _overdue(self, due_s: float, elapsed_s: float) -> float:
        return elapsed_s + self.patience * max(0.0, elapsed_s - due_s)


def left_out(jobs: Sequence[JobSpan], progress: Progress) -> set[str]:
    """Return the names of jobs that a running build seems to do without.

    Args:
        jobs: Of an earlier build. Where one that started no earlier has started by now, a job of
            which nothing is known is not going to run.
        progress: Of the running build.
    """
    told = {job.name: job for job in progress.jobs}
    reached_s = max((j.start_s for j in jobs if j.name in told and told[j.name].ran), default=-1.0)
    return {job.name for job in jobs if job.name not in told and job.start_s <= reached_s}


def contradictions(run: PastRun, progress: Progress) -> int:
    """Return how many jobs one of the two builds has and the other has not."""
    known = {job.name for job in run.jobs}
    strange = sum(job.ran and job.name not in known for job in progress.jobs)
    return strange + len(left_out(run.jobs, progress))


def _end(job: JobSpan, now: JobProgress | None, start_s: float, elapsed_s: float) -> float:
    if now is None or now.state == "queued":
        return start_s + job.duration_s
    if now.over:
        return elapsed_s if now.end_s is None else min(now.end_s, elapsed_s)
    started_s = min(job.start_s, elapsed_s) if now.start_s is None else now.start_s
    return started_s + job.duration_s


def _strangers(progress: Progress, known: set[str]) -> list[tuple[str, float]]:
    """Jobs that run and that the earlier build did not have, and since when they run."""
    return [
        (job.name, job.start_s or 0.0)
        for job in progress.jobs
        if job.state == "running" and job.name not in known
    ]


def _last_end(progress: Progress) -> float:
    ends = (progress.elapsed_s if job.end_s is None else job.end_s for job in progress.jobs)
    return max(ends, default=progress.elapsed_s)
