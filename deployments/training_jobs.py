"""Training jobs as the service sees them: started, followed, cancelled, and put on a schedule."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from deployments.job_metrics import JobMetrics
from deployments.lifecycle_answers import JobAnswer, JobLogAnswer
from devmind.errors import AlreadyRunning, DevMindError, JobEnded, NotDue, NotFound
from history.job_logs import LogPage
from history.jobs import JobState, TrainingJob
from models.names import MODELS, in_code, in_paths

log = structlog.get_logger(__name__)


class Logs(Protocol):
    """The part of `history.job_logs.JobLogs` that is needed here."""

    def read(self, job_id: str, *, offset: int = 0) -> LogPage:
        """Return what a job wrote from *offset* on."""
        ...


class Jobs(Protocol):
    """The part of `history.jobs.JobStore` that is needed here; every call blocks."""

    @property
    def logs(self) -> Logs:
        """What jobs wrote."""
        ...

    def claim_ended(self) -> list[TrainingJob]:
        """Return the jobs that have ended and that nobody has counted yet."""
        ...

    def create(self, job: TrainingJob, *, every: timedelta | None = None) -> None:
        """Record a new job."""

    def update(
        self,
        job_id: str,
        *,
        now: datetime,
        state: JobState | None = None,
        detail: str | None = None,
    ) -> TrainingJob:
        """Change a job."""
        ...

    def get(self, job_id: str) -> TrainingJob:
        """Return a job."""
        ...

    def list(
        self, model: str | None = None, limit: int = 50, *, state: JobState | None = None
    ) -> list[TrainingJob]:
        """Return the newest jobs."""
        ...

    def give_up_silent(self, *, now: datetime, cluster: str = "") -> None:
        """Record jobs whose lease is over as failed."""


class Runner(Protocol):
    """Runs training jobs on the cluster; every call blocks."""

    def start(self, job_id: str, arguments: tuple[str, ...]) -> None:
        """Start `python -m training.job` with *arguments*."""

    def stop(self, job_id: str) -> None:
        """End a job's process, if there is one."""

    def ended(self, job_id: str) -> str | None:
        """Return how a job's process ended without success, `None` while that is not so."""
        ...

    def waits(self, job_id: str) -> bool:
        """Whether the cluster has the job and has not started its process yet."""
        ...

    def cluster(self) -> str:
        """Return the head node of the cluster, new with every start of a head."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a job is asked for.

    Attributes:
        promote_if_better: Promote the new version if the gate says so.
        search_minutes: Look for better knobs for so long; `None` for none.
        shadow_builds: Let the version answer silently for so many builds; `None` for not at all.
        reason: Why, for people; empty when somebody just asked.
    """

    promote_if_better: bool
    search_minutes: float | None = None
    shadow_builds: int | None = None
    reason: str = ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """The options of `python -m training.job` that say so."""
        promote = ("--promote-if-better",) if self.promote_if_better else ()
        search = () if self.search_minutes is None else ("--search", f"{self.search_minutes:g}")
        shadow = () if self.shadow_builds is None else ("--shadow", str(self.shadow_builds))
        return (*promote, *search, *shadow)


class TrainingJobs:
    """What can be done with training jobs.

    Args:
        jobs: Where they are remembered.
        runner: Where they run.
        now: The time, aware UTC.
        new_id: Names a new job of a model.
        metrics: Counts their ends; `None` counts nothing.
        every: Starts a job of each model so often; `None` leaves that to others.
    """

    def __init__(  # noqa: PLR0913 - all by keyword, each a part of its own
        self,
        *,
        jobs: Jobs,
        runner: Runner,
        now: Callable[[], datetime],
        new_id: Callable[[str], str],
        metrics: JobMetrics | None = None,
        every: timedelta | None = None,
    ) -> None:
        self._jobs = jobs
        self._runner = runner
        self._now = now
        self._new_id = new_id
        self._metrics = metrics
        self._every = every

    def start(self, model: str, wanted: Wanted, *, every: timedelta | None = None) -> JobAnswer:
        """Start a job.

        Args:
            model: Its name in paths.
            wanted: What is asked for.
            every: Of a schedule; a late tick is refused.

        Raises:
            NotFound: If there is no such model.
            AlreadyRunning: If one is under way.
            NotDue: If the last one is too recent for the schedule.
            ServiceUnreachable: If the cluster does not take it; the job is then failed.
        """
        name, now = known_model(model), self._now()
        job = TrainingJob(
            job_id=self._new_id(name),
            model=name,
            created_at=now,
            updated_at=now,
            detail=wanted.reason,
            cluster=self._runner.cluster(),
        )
        self._jobs.create(job, every=every)
        try:
            of_schedule = () if every is None else ("--scheduled", "--every", f"{_hours(every):g}")
            arguments = (name, "--job-id", job.job_id, *wanted.arguments, *of_schedule)
            self._runner.start(job.job_id, arguments)
        except Exception as error:
            detail = f"It could not be started: {error}"
            self._jobs.update(job.job_id, now=self._now(), state="failed", detail=detail)
            raise
        return _answer(job)

    def get(self, job_id: str) -> JobAnswer:
        """Return a job.

        Raises:
            NotFound: If there is none.
        """
        self._give_up_silent()
        return _answer(self._settled(self._jobs.get(job_id)))

    def list(self, model: str | None) -> list[JobAnswer]:
        """Return the newest jobs, of one model or of all."""
        name = None if model is None else known_model(model)
        self._give_up_silent()
        return [_answer(self._settled(job)) for job in self._jobs.list(name)]

    def logs(self, job_id: str, offset: int) -> JobLogAnswer:
        """Return what a job wrote from *offset* on.

        Raises:
            NotFound: If there is no such job.
        """
        job = self._jobs.get(job_id)
        page = self._jobs.logs.read(job_id, offset=offset)
        return JobLogAnswer(
            job_id=job_id,
            text=page.text,
            offset=page.offset,
            next_offset=page.next_offset,
            more=page.more or job.active,
        )

    def cancel(self, job_id: str, *, by: str) -> JobAnswer:
        """Cancel a job that is queued or running; a cancelled one stays cancelled.

        Its state changes at once, and from then on it can neither register nor promote; its
        process is told to end.

        Raises:
            NotFound: If there is no such job.
            JobEnded: If it has ended otherwise.
        """
        asked = self._settled(self._jobs.get(job_id))
        if asked.active:
            detail = f"cancelled by {by}"
            asked = self._jobs.update(job_id, now=self._now(), state="cancelled", detail=detail)
        if asked.state != "cancelled":
            raise JobEnded(job_id, asked.state)
        with suppress(DevMindError):
            self._runner.stop(job_id)
        log.info("job cancelled", job=job_id, model=asked.model, by=by)
        return _answer(asked)

    def tick(self) -> None:
        """Settle what has ended, count it, and start what is due; any replica may do it."""
        self._give_up_silent()
        for job in self._jobs.list():
            if job.active:
                self._settled(job)
        if self._every is not None:
            for model in MODELS:
                self._start_due(model, self._every)
        if self._metrics is not None:
            self._metrics.observe(self._jobs)

    def _start_due(self, model: str, every: timedelta) -> None:
        wanted = Wanted(promote_if_better=True, reason="on schedule")
        try:
            self.start(model, wanted, every=every)
        except (AlreadyRunning, NotDue):
            pass
        except DevMindError as error:
            log.warning("scheduled training not started", model=model, why=str(error))

    def _give_up_silent(self) -> None:
        self._jobs.give_up_silent(now=self._now(), cluster=self._runner.cluster())

    def _settled(self, job: TrainingJob) -> TrainingJob:
        """A job whose process died without a word is known to the cluster alone."""
        if not job.active:
            return job
        reason = self._runner.ended(job.job_id)
        if reason is not None:
            return self._jobs.update(job.job_id, now=self._now(), state="failed", detail=reason)
        if job.state == "queued" and self._runner.waits(job.job_id):
            return self._jobs.update(job.job_id, now=self._now())
        return job


def _hours(every: timedelta) -> float:
    return every / timedelta(hours=1)


def known_model(model: str) -> str:
    """Return a model's name in code.

    Raises:
        NotFound: If there is no such model.
    """
    name = in_code(model)
    if name not in MODELS:
        raise NotFound("model", model, f"There are {', '.join(map(in_paths, MODELS))}.")
    return name


def _answer(job: TrainingJob) -> JobAnswer:
    return JobAnswer(
        job_id=job.job_id,
        model=in_paths(job.model),
        state=job.state,
        progress=job.progress,
        stage=job.stage,
        detail=job.detail,
        created_at=job.created_at,
        updated_at=job.updated_at,
    )
