"""What the HTTP API needs: plain async methods, whoever carries them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from deployments.answers import (
    AssessAnswer,
    DurationAnswer,
    FailureAnswer,
    OptimizationAnswer,
    Readiness,
    RemainingAnswer,
    SelectionAnswer,
)
from deployments.lifecycle_answers import (
    JobAnswer,
    JobLogAnswer,
    ModelStatus,
    Promoted,
    ShadowStarted,
)
from deployments.questions import (
    Assessment,
    DurationQuestion,
    FailureQuestion,
    RemainingQuestion,
    SelectionQuestion,
)
from deployments.training_jobs import Wanted
from devmind.ci import BuildOutcome, QueuedBuild
from history.drafts import Draft, Recordable
from history.events import ProjectSummary, Receipt


class Records(Protocol):
    """Records what happened; durable when a method returns."""

    async def queued(self, build: QueuedBuild) -> Receipt:
        """Record that a build was queued."""

    async def finished(self, build_id: str, outcome: BuildOutcome) -> Receipt:
        """Record how a build ended."""

    async def reported(self, report: Draft) -> Receipt:
        """Record the tests of a job."""

    async def events(self, project: str, events: Sequence[Recordable]) -> list[Receipt]:
        """Record events of one project, all or none."""

    async def projects(self) -> list[ProjectSummary]:
        """Return what is recorded."""


class Predictions(Protocol):
    """Answers questions."""

    async def duration(self, question: DurationQuestion) -> DurationAnswer:
        """How long will it take?"""

    async def remaining(self, question: RemainingQuestion) -> RemainingAnswer:
        """How much longer will it run?"""

    async def optimize(self, question: DurationQuestion) -> OptimizationAnswer:
        """What would make it faster?"""

    async def failure(self, question: FailureQuestion) -> FailureAnswer:
        """Will it fail?"""

    async def tests(self, question: SelectionQuestion) -> SelectionAnswer:
        """Which tests are worth running?"""

    async def assess(self, assessment: Assessment) -> AssessAnswer:
        """All three at once."""


class Lifecycle(Protocol):
    """Looks after model versions and training jobs."""

    async def status(self) -> list[ModelStatus]:
        """Return every model with its versions."""

    async def card(self, model: str, version: str, *, page: bool) -> bytes:
        """Return a version's card, as JSON or as an HTML page."""

    async def retrain(self, model: str, wanted: Wanted) -> JobAnswer:
        """Start a training job."""

    async def job(self, job_id: str) -> JobAnswer:
        """Return a training job."""

    async def jobs(self, model: str | None) -> list[JobAnswer]:
        """Return the newest training jobs."""

    async def job_logs(self, job_id: str, offset: int) -> JobLogAnswer:
        """Return what a training job wrote from *offset* on."""

    async def cancel(self, job_id: str, *, by: str) -> JobAnswer:
        """Cancel a training job."""

    async def promote(self, model: str, version: str, *, force: bool, by: str) -> Promoted:
        """Make a version the champion."""

    async def start_shadow(
        self, model: str, version: str, *, builds: int, promote_if_better: bool, by: str
    ) -> ShadowStarted:
        """Let a version answer silently beside the champion."""

    async def rollback(self, model: str, *, by: str) -> Promoted:
        """Make the previous champion the champion again."""


class Condition(Protocol):
    """Knows how the whole service is."""

    async def readiness(self) -> Mapping[str, Readiness]:
        """Return every part's readiness, by name."""

    async def metrics(self) -> str:
        """Return the metrics of the whole application as Prometheus text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Everything behind the HTTP API."""

    records: Records
    predictions: Predictions
    lifecycle: Lifecycle
    condition: Condition
