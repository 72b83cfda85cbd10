"""Training jobs: one active job a model, and where each one stands; they survive a restart."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from devmind.errors import AlreadyRunning, NotFound
from history.database import Database
from history.names import storable
from history.tables import jobs

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
ACTIVE_STATES = ("queued", "running")
STALE_AFTER_S = 600.0
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
        state: `queued`, `running`, and then for good `succeeded`, `failed` or `cancelled`.
        progress: From 0 to 1.
        stage: What it does now, in a word or two.
        detail: The outcome, or why it failed.
    """

    job_id: str
    model: str
    created_at: datetime
    updated_at: datetime
    state: JobState = "queued"
    progress: float = 0.0
    stage: str = ""
    detail: str = ""

    @property
    def active(self) -> bool:
        """Whether it is still to come or under way."""
        return self.state in ACTIVE_STATES


class JobStore:
    """Keeps training jobs in the history's database.

    Args:
        database: Migrated; closed with the store.
        stale_after_s: A job not heard of for so long is dead and no longer in the way; jobs call
            `update` more often than that, if only with *now*.
    """

    def __init__(self, database: Database, *, stale_after_s: float = STALE_AFTER_S) -> None:
        self._database = database
        self._stale_after = timedelta(seconds=stale_after_s)

    def create(self, job: TrainingJob) -> None:
        """Record a new job, after giving up active jobs of the model that have gone silent.

        Raises:
            AlreadyRunning: If another job for the model is queued or running.
            HistoryUnavailable: If the database does not answer.
        """
        try:
            with self._database.write() as connection:
                self._fail_silent(connection, job)
                _refuse_second(connection, job)
                connection.execute(insert(jobs), asdict(job))
        except IntegrityError:  # another process was quicker
            raise AlreadyRunning(job.model, self._active(job.model)) from None

    def update(  # noqa: PLR0913 - one argument a column
        self,
        job_id: str,
        *,
        now: datetime,
        state: JobState | None = None,
        progress: float | None = None,
        stage: str | None = None,
        detail: str | None = None,
    ) -> TrainingJob:
        """Say that a job lives, and what has changed; what has ended stays as it ended.

        Returns:
            The job as it now stands: a job that finds itself cancelled should stop.

        Raises:
            NotFound: If there is no such job.
            HistoryUnavailable: If the database does not answer.
        """
        changes: dict[str, Any] = {
            "state": state,
            "progress": None if progress is None else min(max(progress, 0.0), 1.0),
            "stage": None if stage is None else _text(stage, _MAX_STAGE),
            "detail": None if detail is None else _text(detail, _MAX_DETAIL),
            "updated_at": now,
        }
        changes = {name: value for name, value in changes.items() if value is not None}
        change = update(jobs).where(jobs.c.job_id == job_id, jobs.c.state.in_(ACTIVE_STATES))
        with self._database.write() as connection:
            if storable(job_id):
                connection.execute(change.values(changes))
        return self.get(job_id)

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

    def list(self, model: str | None = None, limit: int = 50) -> list[TrainingJob]:
        """Return the newest jobs (of *model*), newest first."""
        query = select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.job_id).limit(limit)
        if model is not None:
            query = query.where(jobs.c.model == model)
        with self._database.read() as connection:
            return [_job(row) for row in connection.execute(query).mappings()]

    def close(self) -> None:
        """Close the database's connections."""
        self._database.close()

    def _fail_silent(self, connection: Connection, job: TrainingJob) -> None:
        detail = f"not heard of for {self._stale_after.total_seconds():.0f} s"
        change = update(jobs).where(
            jobs.c.model == job.model,
            jobs.c.state.in_(ACTIVE_STATES),
            jobs.c.updated_at < job.created_at - self._stale_after,
        )
        connection.execute(change.values(state="failed", detail=detail))

    def _active(self, model: str) -> str:
        with self._database.read() as connection:
            return _active(connection, model) or ""


def _active(connection: Connection, model: str) -> str | None:
    query = select(jobs.c.job_id).where(jobs.c.model == model, jobs.c.state.in_(ACTIVE_STATES))
    return connection.execute(query).scalar_one_or_none()


def _refuse_second(connection: Connection, job: TrainingJob) -> None:
    active = _active(connection, job.model)
    if active is not None and job.active:
        raise AlreadyRunning(job.model, active)


def _job(row: RowMapping) -> TrainingJob:
    return TrainingJob(**{str(name): value for name, value in row.items()})


def _text(text: str, longest: int) -> str:
    """Return *text* as any database can hold it: tracebacks may carry anything."""
    shown = text.replace("\0", "\ufffd").encode(errors="replace").decode()
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
