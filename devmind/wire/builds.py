"""The JSON form of builds: queued and finished."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from devmind.ci import BuildOutcome, BuildStatus, Job, QueuedBuild, Step
from devmind.wire.base import MAX_JOBS, MAX_STEPS, At, Attempt, Body, Key, Word
from devmind.wire.changes import ChangeBody


class BuildBody(Body):
    """A build at the moment it is queued."""

    project: Key
    pipeline: Key
    external_id: Key
    queued_at: At
    attempt: Attempt = 1
    trigger: Word = ""
    change: ChangeBody = ChangeBody()

    def domain(self) -> QueuedBuild:
        """Return the domain object, its time in UTC."""
        return QueuedBuild(
            project=self.project,
            pipeline=self.pipeline,
            external_id=self.external_id,
            queued_at=self.queued_at,
            attempt=self.attempt,
            trigger=self.trigger,
            change=self.change.domain(),
        )

    @classmethod
    def of(cls, build: QueuedBuild) -> BuildBody:
        """Return the JSON form of *build*."""
        return cls.model_validate(build, from_attributes=True)


class StepBody(Body):
    """One step of a job."""

    name: Word
    status: BuildStatus
    started_at: At | None = None
    finished_at: At | None = None

    def domain(self) -> Step:
        """Return the domain object."""
        return Step(
            name=self.name,
            status=self.status,
            started_at=self.started_at,
            finished_at=self.finished_at,
        )


class JobBody(Body):
    """One job of a build."""

    name: Word
    status: BuildStatus
    queued_at: At | None = None
    started_at: At | None = None
    finished_at: At | None = None
    runner: Word = ""
    steps: Annotated[tuple[StepBody, ...], Field(max_length=MAX_STEPS)] = ()

    def domain(self) -> Job:
        """Return the domain object."""
        return Job(
            name=self.name,
            status=self.status,
            queued_at=self.queued_at,
            started_at=self.started_at,
            finished_at=self.finished_at,
            runner=self.runner,
            steps=tuple(step.domain() for step in self.steps),
        )


class FinishBody(Body):
    """What only time could tell about a build."""

    status: BuildStatus
    finished_at: At
    started_at: At | None = None
    jobs: Annotated[tuple[JobBody, ...], Field(max_length=MAX_JOBS)] = ()

    def domain(self) -> BuildOutcome:
        """Return the domain object, its times in UTC."""
        return BuildOutcome(
            status=self.status,
            finished_at=self.finished_at,
            started_at=self.started_at,
            jobs=tuple(job.domain() for job in self.jobs),
        )

    @classmethod
    def of(cls, outcome: BuildOutcome) -> FinishBody:
        """Return the JSON form of *outcome*."""
        return cls.model_validate(outcome, from_attributes=True)
