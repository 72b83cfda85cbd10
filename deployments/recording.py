"""Events on their way into the history: whose they are, and whether their times can be true."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from deployments.metrics import Metrics
from devmind.ci import BuildId, BuildOutcome, QueuedBuild
from devmind.errors import InvalidInput
from devmind.events import Finished, Queued, Reported
from devmind.times import check_outcome, check_queued
from history.drafts import Draft, Recordable
from history.events import Receipt

REMEMBERED = 4_096
"""Builds whose project is remembered: most send several reports."""


class Recorded(Protocol):
    """The part of `HistoryStore` that recording needs; every call blocks."""

    def append(self, project: str, events: Sequence[Recordable]) -> list[Receipt]:
        """Record events, all or none, durable on return."""

    def build(self, build_id: str) -> QueuedBuild:
        """Return a build as it was queued."""


class Recorder:
    """Checks events and records them.

    Args:
        history: Where they go.
        metrics: Counts what is durable.
        now: The time, aware UTC.
    """

    def __init__(self, history: Recorded, *, metrics: Metrics, now: Callable[[], datetime]) -> None:
        self._history = history
        self._metrics = metrics
        self._now = now
        self._projects: dict[str, str] = {}

    def queued(self, build: QueuedBuild) -> Receipt:
        """Record that a build was queued.

        Raises:
            InvalidInput: If it was queued in the future.
            ContradictingRepeat: If it is recorded differently.
        """
        return self.events(build.project, [Queued(build=build)])[0]

    def finished(self, build_id: str, outcome: BuildOutcome) -> Receipt:
        """Record how a build ended.

        Raises:
            NotFound: If it was never queued.
            InvalidInput: If its times cannot be.
            ContradictingRepeat: If it is recorded differently.
        """
        event = Finished(build_id=BuildId(build_id), outcome=outcome)
        return self.events(self._history.build(build_id).project, [event])[0]

    def reported(self, report: Draft) -> Receipt:
        """Record the tests of a job; errors as in `finished`."""
        return self._append(self._project(report.build_id), [report])[0]

    def events(self, project: str, events: Sequence[Recordable]) -> list[Receipt]:
        """Record events of one project, all or none; errors as in `finished`."""
        check_events(project, events, now=self._now(), find=self._history.build)
        return self._append(project, events)

    def _append(self, project: str, events: Sequence[Recordable]) -> list[Receipt]:
        receipts = self._history.append(project, events)
        for receipt, event in zip(receipts, events, strict=True):
            self._metrics.recorded(receipt.kind, repeated=receipt.repeated)
            if not receipt.repeated:
                self._metrics.verdicts(_verdicts(event))
        return receipts

    def _project(self, build_id: str) -> str:
        """Return a build's project, which never changes; appending checks that it is still so."""
        project = self._projects.get(build_id)
        if project is None:
            project = self._history.build(build_id).project
            if len(self._projects) >= REMEMBERED:
                self._projects = {}
            self._projects[build_id] = project
        return project


def _verdicts(event: Recordable) -> int:
    if isinstance(event, Reported):
        return len(event.report.runs)
    return len(event.report.names) if isinstance(event, Draft) and event.report else 0


def check_events(
    project: str,
    events: Sequence[Recordable],
    *,
    now: datetime,
    find: Callable[[str], QueuedBuild],
) -> None:
    """Refuse events of another project and times that cannot be.

    Args:
        project: Whose events they are to be.
        events: In the order in which they happened.
        now: The time, aware UTC.
        find: Returns a build that was recorded earlier, by its id.

    Raises:
        InvalidInput: Which event is wrong, and how.
        NotFound: If an event is about a build that was never queued.
    """
    builds: dict[str, QueuedBuild] = {}
    for event in events:
        if isinstance(event, Queued):
            check_queued(event.build, now=now)
            builds[event.build_id] = event.build
        elif event.build_id not in builds:
            builds[event.build_id] = find(event.build_id)
        build = builds[event.build_id]
        if build.project != project:
            advice = f"These events were sent to the project {project!r}; send each to its own."
            raise InvalidInput(f"project of build {event.build_id}", build.project, advice)
        if isinstance(event, Finished):
            check_outcome(event.outcome, queued_at=build.queued_at, now=now)
