"""Jobs and steps of GitHub runs: the REST payload of "list jobs for a workflow run".

GitHub gives a skipped job or step the time at which it was skipped, now and then with its end
before its start. Skipped things never started: their times are `None` here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from devmind.ci import BuildOutcome, BuildStatus, Job, Step
from devmind.errors import UnreadableSource
from devmind.readers.github_words import status_of
from devmind.readers.records import Record
from devmind.readers.source import Skipped
from devmind.times import CLOCK_SKEW

WORD = 400
"""Names are cut to this many characters: what the wire and the database take."""


def read_jobs(
    records: Iterable[Record],
    *,
    attempt: int,
    queued_at: datetime,
    skipped: list[Skipped],
) -> tuple[Job, ...]:
    """Return the jobs of one attempt, pages merged, in the order given.

    A rerun of failed jobs lists the jobs it kept with the times of the attempt before; these
    times are left out. A job without a conclusion goes to *skipped*.

    Args:
        records: Job payloads of all attempts.
        attempt: Whose jobs are wanted; a payload that names no attempt fits any.
        queued_at: When the attempt was queued.
        skipped: Gets the jobs that had not finished.
    """
    jobs: dict[str, Job] = {}
    for record in records:
        if record.has("run_attempt") and record.count("run_attempt") != attempt:
            continue
        status = status_of(record, "conclusion")
        if status is None:
            reason = f"job {record.text('name')!r} has no conclusion: it had not finished"
            skipped.append(Skipped(record=record.where, reason=reason))
        else:
            jobs[record.text("id") or record.where] = _job(record, status, queued_at)
    return tuple(jobs.values())


def _job(record: Record, status: BuildStatus, queued_at: datetime) -> Job:
    started_at, finished_at = _span(record, status)
    kept = finished_at is not None and finished_at < queued_at
    return Job(
        name=record.required("name")[:WORD],
        status=status,
        queued_at=None if kept else record.at("created_at"),
        started_at=None if kept else started_at,
        finished_at=None if kept else finished_at,
        runner=",".join(record.texts("labels"))[:WORD] or record.text("runner_name", WORD),
        steps=() if kept else tuple(_steps(record)),
    )


def _steps(job: Record) -> Iterable[Step]:
    for record in job.records("steps"):
        status = status_of(record, "conclusion")
        if status is not None:
            started_at, finished_at = _span(record, status)
            yield Step(
                name=record.text("name", WORD),
                status=status,
                started_at=started_at,
                finished_at=finished_at,
            )


def _span(record: Record, status: BuildStatus) -> tuple[datetime | None, datetime | None]:
    if status is BuildStatus.SKIPPED:
        return None, None
    return record.span("started_at", "completed_at")


def outcome_of(
    status: BuildStatus,
    jobs: tuple[Job, ...],
    *,
    queued_at: datetime,
    otherwise: datetime,
    where: str,
) -> BuildOutcome:
    """Return the outcome: times of the jobs where they are known, else *otherwise*.

    `updated_at` moves with every later rerun, comment or clean-up; the end of a job does not.

    Raises:
        UnreadableSource: If the build would have finished before it was queued.
    """
    starts = [job.started_at for job in jobs if job.started_at]
    ends = [job.finished_at for job in jobs if job.finished_at]
    finished_at = max(ends, default=otherwise)
    if finished_at < queued_at - CLOCK_SKEW:
        reason = f"it finished at {finished_at.isoformat()}, before it was queued"
        raise UnreadableSource(where, reason, f"It was queued at {queued_at.isoformat()}.")
    return BuildOutcome(
        status=status,
        finished_at=max(finished_at, queued_at),
        started_at=min(starts) if starts and ends else None,
        jobs=jobs,
    )
