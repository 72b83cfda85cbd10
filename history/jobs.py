"""Training jobs: one active job a model, and where each one stands; they survive a restart.

The lock is a row: a partial unique index allows one queued or running job a model. Its holder
renews a lease; when the lease is over, anybody may record the job as failed and go on. A holder
that comes back then finds that the job is no longer its own and must not register anything.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, Update, insert, select, update
from sqlalchemy.exc import IntegrityError

from devmind.errors import AlreadyRunning, JobEnded, NotDue, NotFound
from history.database import Database
from history.job_logs import JobLogs
from history.names import storable
from history.tables import jobs

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled", "skipped"]
ACTIVE_STATES = ("queued", "running")
QUEUED_LEASE_S = 300.0
"""How long a job may wait for a process of its own before it is given up."""
LEASE_S = 75.0
"""How long a running job may be silent; holders renew the lease several times as often."""
LATE_SHARE = 0.8
"""A scheduled job is due when so much of its interval has passed since the last job."""
ATTEMPTS = 2
"""So many jobs of a schedule may fail in an interval; fewer are tried again by the next tick."""
RESTARTED = "the cluster was restarted while it ran; start it again"
_MAX_DETAIL = 20_000
_MAX_STAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob:
    """A training job and where it stands.

    Attributes:
        job_id: Names it; unique.
        model: The model it trains.
        created_at: When it was asked for.
        updated_at: When it was last heard of.
        state: `queued`, `running`, and then for good `succeeded`, `failed`, `cancelled`, or
            `skipped` where a schedule found too little to learn from.
        progress: From 0 to 1.
        stage: What it does now, in a word or two.
        detail: The outcome, or why it failed.
        holder: The process that carries it out; empty until one has taken it.
        cluster: The head node of the cluster it was given to, empty where nobody knows.
        lease_until: After this an active job is dead; `None` for a new one means the usual time.
    """

    job_id: str
    model: str
    created_at: datetime
    updated_at: datetime
    state: JobState = "queued"
    progress: float = 0.0
    stage: str = ""
    detail: str = ""
    holder: str = ""
    cluster: str = ""
    lease_until: datetime | None = None

    @property
    def active(self) -> bool:
        """Whether it is still to come or under way."""
        return self.state in ACTIVE_STATES


class JobStore:
    """Keeps training jobs in the history's database.

    Times are the callers' clocks: machines that share a database keep them within seconds.

    Args:
        database: Migrated; closed with the store.
        lease_s: How long a running job may be silent.
        queued_lease_s: How long a job may wait for a process.

    Attributes:
        logs: What the jobs wrote.
    """

    def __init__(
        self,
        database: Database,
        *,
        lease_s: float = LEASE_S,
        queued_lease_s: float = QUEUED_LEASE_S,
    ) -> None:
        self._database = database
        self._lease = timedelta(seconds=lease_s)
        self._queued_lease = timedelta(seconds=queued_lease_s)
        self.logs = JobLogs(database)

    def create(self, job: TrainingJob, *, every: timedelta | None = None) -> None:
        """Record a new job, after giving up a job of the model whose lease is over.

        Args:
            job: The new one.
            every: Of a schedule: the job is refused while less than `LATE_SHARE` of it has passed
                since the last job of the model, whoever asked for that. One that failed is tried
                again, until `ATTEMPTS` have failed.

        Raises:
            AlreadyRunning: If another job for the model is queued or running.
            NotDue: If the last job is too recent for a schedule.
            HistoryUnavailable: If the database does not answer.
        """
        values = asdict(job) | {"counted": False}
        values["lease_until"] = job.lease_until or job.created_at + self._queued_lease
        try:
            with self._database.write() as connection:
                self._give_up(connection, job.created_at, job.cluster, job.model)
                _refuse_second(connection, job)
                _refuse_early(connection, job, every)
                connection.execute(insert(jobs), values)
        except IntegrityError:  # another process was quicker
            raise AlreadyRunning(job.model, self._active(job.model)) from None

    def take(self, job_id: str, holder: str, *, now: datetime, cluster: str = "") -> TrainingJob:
        """Make *holder* the one who carries a job out; taking it twice is taking it once.

        Raises:
            NotFound: If there is no such job.
            JobEnded: If it has ended, or another one holds it.
            HistoryUnavailable: If the database does not answer.
        """
        change = _of_active(job_id).where(jobs.c.holder.in_(("", holder)))
        values: dict[str, Any] = {"holder": holder, "state": "running", "updated_at": now}
        values["lease_until"] = now + self._lease
        if cluster:
            values["cluster"] = cluster
        self._apply(job_id, change.values(values))
        found = self.get(job_id)
        if not found.active or found.holder != holder:
            raise JobEnded(job_id, "held by another process" if found.active else found.state)
        return found

    def update(  # noqa: PLR0913 - one argument a column
        self,
        job_id: str,
        *,
        now: datetime,
        state: JobState | None = None,
        progress: float | None = None,
        stage: str | None = None,
        detail: str | None = None,
        holder: str | None = None,
    ) -> TrainingJob:
        """Say that a job lives, and what has changed; what has ended stays as it ended.

        Args:
            job_id: The job.
            now: Renews the lease of a running job from then on.
            state: The new state.
            progress: From 0 to 1.
            stage: What it does.
            detail: What came of it.
            holder: Who says so; of a job that another one holds nothing is changed.

        Returns:
            The job as it now stands: who finds it ended, or held by another, should stop.

        Raises:
            NotFound: If there is no such job.
            HistoryUnavailable: If the database does not answer.
        """
        waits = holder is None and state != "running"
        changes: dict[str, Any] = {
            "state": state,
            "progress": None if progress is None else min(max(progress, 0.0), 1.0),
            "stage": None if stage is None else _text(stage, _MAX_STAGE),
            "detail": None if detail is None else _text(detail, _MAX_DETAIL),
            "updated_at": now,
            "lease_until": now + (self._queued_lease if waits else self._lease),
        }
        changes = {name: value for name, value in changes.items() if value is not None}
        change = _of_active(job_id)
        if holder is not None:
            change = change.where(jobs.c.holder == holder)
        self._apply(job_id, change.values(changes))
        return self.get(job_id)

    def give_up_silent(self, *, now: datetime, cluster: str = "") -> None:
        """Record every job whose lease is over as failed, with the reason.

        Args:
            now: The time.
            cluster: Head node of the cluster that runs now: a job of another one went down with it.
        """
        with self._database.write() as connection:
            self._give_up(connection, now, cluster)

    def claim_ended(self) -> list[TrainingJob]:
        """Return the jobs that have ended and that nobody has counted yet; the caller counts them.

        However many replicas ask, each job is given to one of them.
        """
        ended = jobs.c.counted.is_(False) & jobs.c.state.not_in(ACTIVE_STATES)
        change = update(jobs).where(ended).values(counted=True).returning(*jobs.c)
        with self._database.write() as connection:
            return [_job(row) for row in connection.execute(change).mappings()]

    def get(self, job_id: str) -> TrainingJob:
        """Return a job.

        Raises:
            NotFound: If there is none.
            HistoryUnavailable: If the database does not answer.
        """
        if storable(job_id):
            with self._database.read() as connection:
                query = select(jobs).where(jobs.c.job_id == job_id)
                row = connection.execute(query).mappings().one_or_none()
            if row is not None:
                return _job(row)
        raise NotFound("training job", job_id)

    def list(
        self, model: str | None = None, limit: int = 50, *, state: JobState | None = None
    ) -> list[TrainingJob]:
        """Return the newest jobs (of *model*, in *state*), newest first."""
        query = select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.job_id).limit(limit)
        if model is not None:
            query = query.where(jobs.c.model == model)
        if state is not None:
            query = query.where(jobs.c.state == state)
        with self._database.read() as connection:
            return [_job(row) for row in connection.execute(query).mappings()]

    def close(self) -> None:
        """Close the database's connections."""
        self._database.close()

    def _apply(self, job_id: str, change: Update) -> None:
        with self._database.write() as connection:
            if storable(job_id):
                connection.execute(change)

    def _give_up(
        self, connection: Connection, now: datetime, cluster: str, model: str | None = None
    ) -> None:
        over = jobs.c.state.in_(ACTIVE_STATES) & (jobs.c.lease_until < now)
        if model is not None:
            over &= jobs.c.model == model
        for row in connection.execute(select(jobs).where(over)).mappings().all():
            job = _job(row)
            change = _of_active(job.job_id).where(jobs.c.lease_until < now)
            connection.execute(change.values(state="failed", detail=_silence(job, now, cluster)))

    def _active(self, model: str) -> str:
        with self._database.read() as connection:
            return _active(connection, model) or ""


def _silence(job: TrainingJob, now: datetime, cluster: str) -> str:
    if cluster and job.cluster not in ("", cluster):
        return RESTARTED
    silent_s = (now - job.updated_at).total_seconds()
    if job.state == "queued":
        return f"no process took it within {silent_s:.0f} s; start it again"
    return f"not heard of for {silent_s:.0f} s, so its process has died; start it again"


def _of_active(job_id: str) -> Update:
    return update(jobs).where(jobs.c.job_id == job_id, jobs.c.state.in_(ACTIVE_STATES))


def _active(connection: Connection, model: str) -> str | None:
    query = select(jobs.c.job_id).where(jobs.c.model == model, jobs.c.state.in_(ACTIVE_STATES))
    return connection.execute(query).scalar_one_or_none()


def _refuse_second(connection: Connection, job: TrainingJob) -> None:
    active = _active(connection, job.model)
    if active is not None and job.active:
        raise AlreadyRunning(job.model, active)


def _refuse_early(connection: Connection, job: TrainingJob, every: timedelta | None) -> None:
    if every is None:
        return
    after = job.created_at - LATE_SHARE * every
    recent = select(jobs).where(jobs.c.model == job.model, jobs.c.created_at > after)
    rows = connection.execute(recent.order_by(jobs.c.created_at.desc())).mappings().all()
    tried = [_job(row) for row in rows]
    if len(tried) < ATTEMPTS and all(each.state == "failed" for each in tried):
        return
    last, hours = tried[0], every.total_seconds() / 3600
    raise NotDue(job.model, last.job_id, last.created_at.isoformat(timespec="seconds"), hours)


def _job(row: RowMapping) -> TrainingJob:
    known = {str(name): value for name, value in row.items() if str(name) != "counted"}
    return TrainingJob(**known)


def _text(text: str, longest: int) -> str:
    """Return *text* as any database can hold it: tracebacks may carry anything."""
    shown = text.replace("\0", "\ufffd").encode(errors="replace").decode()
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
