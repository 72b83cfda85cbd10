"""The body of a question about a running build."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from deployments.questions import JobNow, RemainingQuestion
from deployments.schemas import AboutBody, JobName
from devmind.ci import BuildStatus
from devmind.wire.base import MAX_JOBS, At, Body, Key, Seconds

QUEUED, RUNNING = "queued", "running"
JobWord = Literal["queued", "running", "passed", "failed", "canceled", "skipped"]


class JobNowBody(Body):
    """A job of the running build: what it does, and since when or for how long."""

    name: JobName
    status: JobWord
    started_at: At | None = None
    finished_at: At | None = None
    duration_s: Annotated[
        Seconds | None, Field(description="How long it ran, or has been running.")
    ] = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.status in (QUEUED, RUNNING) and self.finished_at is not None:
            raise ValueError(f"a {self.status} job has no finished_at")
        if self.status == QUEUED and (self.started_at or self.duration_s is not None):
            raise ValueError("a queued job has neither started_at nor duration_s")
        if self.started_at and self.finished_at and self.finished_at < self.started_at:
            raise ValueError("finished_at lies before started_at")
        return self

    def domain(self) -> JobNow:
        """Return the domain object, its times in UTC."""
        return JobNow(
            name=self.name,
            status=None if self.status in (QUEUED, RUNNING) else BuildStatus(self.status),
            queued=self.status == QUEUED,
            started_at=_utc(self.started_at),
            finished_at=_utc(self.finished_at),
            duration_s=self.duration_s,
        )


class RemainingBody(AboutBody):
    """How much longer will it run?"""

    project_name: Key
    elapsed_s: Annotated[
        Seconds | None, Field(description="Seconds since the build's first job started.")
    ] = None
    started_at: Annotated[
        At | None, Field(description="When that job started; an alternative to `elapsed_s`.")
    ] = None
    jobs: Annotated[
        tuple[JobNowBody, ...],
        Field(max_length=MAX_JOBS, description="Jobs that have ended, run or wait."),
    ] = ()

    @model_validator(mode="after")
    def _one_clock(self) -> Self:
        if self.elapsed_s is not None and self.started_at is not None:
            raise ValueError("send elapsed_s or started_at, not both")
        return self

    def domain(self) -> RemainingQuestion:
        """Return the question."""
        return RemainingQuestion(
            about=self.about(),
            elapsed_s=self.elapsed_s,
            started_at=_utc(self.started_at),
            jobs=tuple(job.domain() for job in self.jobs),
        )


def _utc(at: datetime | None) -> datetime | None:
    return at and at.astimezone(UTC)
