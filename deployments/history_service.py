"""The history deployment: the only one that writes events and knows the registry and the jobs.

All of it blocks on a database, on MLflow or on the cluster, so all of it happens in threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from deployments.answers import Readiness
from deployments.held_gauges import HeldGauges
from deployments.lifecycle import Lifecycle
from deployments.lifecycle_answers import (
    JobAnswer,
    JobLogAnswer,
    ModelStatus,
    Promoted,
    ShadowStarted,
)
from deployments.oversight import Oversight
from deployments.recording import Recorder
from deployments.training_jobs import Wanted
from devmind.ci import BuildOutcome, QueuedBuild
from devmind.errors import DevMindError
from history.drafts import Draft, Recordable
from history.events import ProjectSummary, Receipt


class Overview(Protocol):
    """The part of `HistoryStore` that says what is there; every call blocks."""

    def projects(self) -> list[ProjectSummary]:
        """Return what is recorded of each project."""

    def ping(self) -> None:
        """Raise `HistoryUnavailable` if the database does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the history deployment works with.

    Attributes:
        overview: What is recorded.
        recorder: Records events.
        lifecycle: Looks after models.
        oversight: Looks how they do on live builds.
        gauges: What the two say in the metrics.
    """

    overview: Overview
    recorder: Recorder
    lifecycle: Lifecycle
    oversight: Oversight | None = None
    gauges: HeldGauges | None = None


class HistoryService:
    """One replica of the history deployment.

    Args:
        desk: What it works with.
    """

    def __init__(self, desk: Desk) -> None:
        self._overview = desk.overview
        self._recorder = desk.recorder
        self._lifecycle = desk.lifecycle
        self._oversight = desk.oversight
        self._gauges = desk.gauges

    async def queued(self, build: QueuedBuild) -> Receipt:
        """Record that a build was queued; durable on return."""
        return await asyncio.to_thread(self._recorder.queued, build)

    async def finished(self, build_id: str, outcome: BuildOutcome) -> Receipt:
        """Record how a build ended; durable on return."""
        return await asyncio.to_thread(self._recorder.finished, build_id, outcome)

    async def reported(self, report: Draft) -> Receipt:
        """Record the tests of a job; durable on return."""
        return await asyncio.to_thread(self._recorder.reported, report)

    async def events(self, project: str, events: Sequence[Recordable]) -> list[Receipt]:
        """Record events of one project, all or none; durable on return."""
        return await asyncio.to_thread(self._recorder.events, project, events)

    async def projects(self) -> list[ProjectSummary]:
        """Return what is recorded of each project."""
        return await asyncio.to_thread(self._overview.projects)

    async def readiness(self) -> Readiness:
        """Say whether the database answers."""
        try:
            await asyncio.to_thread(self._overview.ping)
        except DevMindError as error:
            return Readiness(ready=False, reason=str(error))
        return Readiness(ready=True)

    async def champion(self, model: str) -> str | None:
        """Return a model's promoted version."""
        return await asyncio.to_thread(self._lifecycle.champion, model)

    async def shadow(self, model: str) -> str | None:
        """Return the version that answers silently beside the champion."""
        return await asyncio.to_thread(self._lifecycle.shadow, model)

    async def start_shadow(
        self, model: str, version: str, *, builds: int, promote_if_better: bool, by: str
    ) -> ShadowStarted:
        """Let a version answer silently beside the champion."""
        return await asyncio.to_thread(
            self._lifecycle.start_shadow,
            model,
            version,
            builds=builds,
            promote_if_better=promote_if_better,
            by=by,
        )

    async def check_health(self) -> None:
        """Look how the models do on live builds; never waits for it."""
        if self._oversight is not None:
            self._oversight.look_soon()
        if self._gauges is not None:
            self._gauges.again()

    async def bundle(self, model: str, version: str) -> bytes:
        """Return a version's bundle, packed."""
        return await asyncio.to_thread(self._lifecycle.bundle, model, version)

    async def card(self, model: str, version: str, *, page: bool) -> bytes:
        """Return a version's card, as JSON or as an HTML page."""
        return await asyncio.to_thread(self._lifecycle.card, model, version, page=page)

    async def status(self) -> list[ModelStatus]:
        """Return every model with its versions."""
        return await asyncio.to_thread(self._lifecycle.status)

    async def promote(self, model: str, version: str, *, force: bool, by: str) -> Promoted:
        """Make a version the champion, if the gate agrees or it is forced."""
        return await asyncio.to_thread(self._lifecycle.promote, model, version, force=force, by=by)

    async def rollback(self, model: str, *, by: str) -> Promoted:
        """Make the previous champion the champion again."""
        return await asyncio.to_thread(self._lifecycle.rollback, model, by=by)

    async def retrain(self, model: str, wanted: Wanted) -> JobAnswer:
        """Start a training job."""
        return await asyncio.to_thread(self._lifecycle.training.start, model, wanted)

    async def job(self, job_id: str) -> JobAnswer:
        """Return a training job."""
        return await asyncio.to_thread(self._lifecycle.training.get, job_id)

    async def jobs(self, model: str | None) -> list[JobAnswer]:
        """Return the newest training jobs."""
        return await asyncio.to_thread(self._lifecycle.training.list, model)

    async def job_logs(self, job_id: str, offset: int) -> JobLogAnswer:
        """Return what a training job wrote."""
        return await asyncio.to_thread(self._lifecycle.training.logs, job_id, offset)

    async def cancel(self, job_id: str, *, by: str) -> JobAnswer:
        """Cancel a training job."""
        return await asyncio.to_thread(self._lifecycle.training.cancel, job_id, by=by)
