"""What can be recorded about a build, and how a finished history becomes a stream of it."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from devmind.ci import BuildId, BuildOutcome, FinishedBuild, QueuedBuild, TestReport
from devmind.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A build was queued."""

    build: QueuedBuild

    @property
    def build_id(self) -> BuildId:
        """The build this is about."""
        return self.build.build_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A job of a build reported its tests."""

    build_id: BuildId
    report: TestReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A build has finished."""

    build_id: BuildId
    outcome: BuildOutcome


Event = Queued | Reported | Finished


def in_order_of_time(builds: Iterable[FinishedBuild]) -> Iterator[Event]:
    """Turn finished builds into events in the order in which they happened.

    A build that was still running when the next one was queued is reported after it, as a live
    service would have seen it. Only builds in flight are held in memory.

    Args:
        builds: Sorted by `queued_at`.

    Raises:
        InvalidInput: If *builds* are not sorted by `queued_at`.
    """
    running: list[tuple[datetime, int, FinishedBuild]] = []
    ticket = count()
    previous: datetime | None = None
    for finished in builds:
        now = finished.build.queued_at
        if previous is not None and now < previous:
            advice = f"The build before it was queued at {previous.isoformat()}; sort the source."
            raise InvalidInput("builds are not in order of queued_at", now.isoformat(), advice)
        previous = now
        while running and running[0][0] <= now:
            yield from _ending(heapq.heappop(running)[2])
        yield Queued(build=finished.build)
        heapq.heappush(running, (finished.outcome.finished_at, next(ticket), finished))
    while running:
        yield from _ending(heapq.heappop(running)[2])


def _ending(finished: FinishedBuild) -> Iterator[Event]:
    build_id = finished.build.build_id
    for report in finished.reports:
        yield Reported(build_id=build_id, report=report)
    yield Finished(build_id=build_id, outcome=finished.outcome)
