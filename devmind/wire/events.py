"""The JSON form of a batch of events: what an import sends."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from devmind.ci import BuildId
from devmind.events import Event, Finished, Queued, Reported
from devmind.wire.base import Body, Key
from devmind.wire.builds import BuildBody, FinishBody
from devmind.wire.reports import ReportBody

MAX_EVENTS = 2_000


class QueuedBody(Body):
    """A build was queued."""

    kind: Literal["queued"]
    build: BuildBody

    def domain(self) -> Queued:
        """Return the domain object."""
        return Queued(build=self.build.domain())


class ReportedBody(Body):
    """A job of a build reported its tests."""

    kind: Literal["tests"]
    build_id: Key
    report: ReportBody

    def domain(self) -> Reported:
        """Return the domain object."""
        return Reported(build_id=BuildId(self.build_id), report=self.report.domain())


class FinishedBody(Body):
    """A build has finished."""

    kind: Literal["finished"]
    build_id: Key
    outcome: FinishBody

    def domain(self) -> Finished:
        """Return the domain object."""
        return Finished(build_id=BuildId(self.build_id), outcome=self.outcome.domain())


EventBody = Annotated[QueuedBody | ReportedBody | FinishedBody, Field(discriminator="kind")]


class EventsBody(Body):
    """Events of one project, in the order in which they happened."""

    events: Annotated[tuple[EventBody, ...], Field(min_length=1, max_length=MAX_EVENTS)]

    @classmethod
    def of(cls, events: list[Event]) -> EventsBody:
        """Return the JSON form of *events*."""
        return cls(events=tuple(_body(event) for event in events))


def _body(event: Event) -> QueuedBody | ReportedBody | FinishedBody:
    match event:
        case Queued(build=build):
            return QueuedBody(kind="queued", build=BuildBody.of(build))
        case Reported(build_id=build_id, report=report):
            return ReportedBody(kind="tests", build_id=build_id, report=ReportBody.of(report))
        case Finished(build_id=build_id, outcome=outcome):
            return FinishedBody(kind="finished", build_id=build_id, outcome=FinishBody.of(outcome))
