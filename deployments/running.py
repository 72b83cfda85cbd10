"""How much longer a running build takes: from a question to the model's progress, and back."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from deployments.answers import DurationAnswer, RemainingAnswer
from deployments.questions import JobNow, RemainingQuestion
from devmind.ci import BuildStatus, QueuedBuild
from devmind.errors import InvalidInput
from features.pipeline_jobs import JobProgress, JobState, PastRun, Progress
from models.phrases import builds
from models.remaining import Remaining, remaining

_LONGEST_S = 366 * 86_400.0


def time_left(
    question: RemainingQuestion,
    forecasted: DurationAnswer,
    runs: tuple[PastRun, ...],
    *,
    build: QueuedBuild,
    now: datetime,
) -> RemainingAnswer:
    """Answer how much longer a build takes.

    Args:
        question: What is known of it now.
        forecasted: What is predicted of its whole duration.
        runs: Recent builds of its pipeline that passed.
        build: The build as it was queued.
        now: Aware UTC.

    Raises:
        InvalidInput: If nothing says for how long it has run, or it starts in the future.
    """
    progress = progress_of(question, build=build, now=now)
    predicted_s = np.array([forecasted.p10_s, forecasted.p50_s, forecasted.p90_s], np.float64)
    found = remaining(predicted_s, runs, progress)
    return RemainingAnswer(
        project_name=forecasted.project_name,
        pipeline_id=forecasted.pipeline_id,
        elapsed_s=progress.elapsed_s,
        p10_s=found.p10_s,
        p50_s=found.p50_s,
        p90_s=found.p90_s,
        interval=forecasted.interval,
        expected_end_at=now + timedelta(seconds=min(found.p50_s, _LONGEST_S)),
        share_done=found.share_done,
        waits_for=found.waits_for or None,
        later_than_usual=found.late,
        basis=basis(found, pipeline=forecasted.pipeline_id),
        abstained=forecasted.abstained,
        abstention_reason=forecasted.abstention_reason,
        model_version=forecasted.model_version,
        as_of=forecasted.as_of,
    )


def progress_of(question: RemainingQuestion, *, build: QueuedBuild, now: datetime) -> Progress:
    """Return how far the build has come, in seconds after its first job started.

    The start is what the caller says of it, else when its first job started, else when the build
    was queued.

    Raises:
        InvalidInput: If nothing says for how long it has run, or it starts in the future.
    """
    start = _start(question, build=build, now=now)
    elapsed_s = question.elapsed_s
    if elapsed_s is None:
        elapsed_s = (now - start).total_seconds()
    if elapsed_s < 0:
        advice = f"It is {now.isoformat()} here; check the clock of the machine that sent it."
        raise InvalidInput("started_at lies in the future", start.isoformat(), advice)
    jobs = tuple(_job(job, start=start, elapsed_s=elapsed_s) for job in question.jobs)
    return Progress(elapsed_s=elapsed_s, jobs=jobs)


def basis(found: Remaining, *, pipeline: str) -> str:
    """Say what an answer rests on."""
    name = f" of {pipeline}" if pipeline else ""
    history = f"{builds(found.similar_builds).replace('build', 'recent build', 1)}{name}"
    if not found.jobs_done:
        return history if found.similar_builds else f"no recent build{name}"
    return f"{history}; {found.jobs_done} of {found.jobs_expected} jobs done"


def _start(question: RemainingQuestion, *, build: QueuedBuild, now: datetime) -> datetime:
    if question.started_at is not None:
        return question.started_at
    if question.elapsed_s is not None:
        return now - timedelta(seconds=question.elapsed_s)
    starts = [job.started_at for job in question.jobs if job.started_at is not None]
    if starts:
        return min(starts)
    if question.about.build_id is None and question.about.queued_at is None:
        advice = "Send elapsed_s or started_at, or the build_id of a recorded build."
        raise InvalidInput("elapsed_s", None, advice)
    return build.queued_at


def _job(job: JobNow, *, start: datetime, elapsed_s: float) -> JobProgress:
    def after_s(at: datetime | None) -> float | None:
        return None if at is None else min(max(0.0, (at - start).total_seconds()), elapsed_s)

    start_s, end_s = after_s(job.started_at), after_s(job.finished_at)
    if job.duration_s is not None and start_s is None:
        until_s = elapsed_s if job.status is None else end_s
        start_s = None if until_s is None else max(0.0, until_s - job.duration_s)
    elif job.duration_s is not None and start_s is not None and job.status is not None:
        end_s = min(start_s + job.duration_s, elapsed_s) if end_s is None else end_s
    return JobProgress(name=job.name, state=_state(job), start_s=start_s, end_s=end_s)


def _state(job: JobNow) -> JobState:
    if job.status is None:
        return "queued" if job.queued else "running"
    return "left_out" if job.status is BuildStatus.SKIPPED else "ended"
