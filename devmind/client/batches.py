"""Cutting a stream of events into batches of one project that a service takes at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from devmind.events import Event, Finished, Queued, Reported

MAX_RUNS_A_BATCH = 50_000
"""Test runs in one batch; more would make a body too large."""


def by_project(events: Iterable[Event], *, size: int) -> Iterator[tuple[str, list[Event]]]:
    """Yield batches of up to *size* events of one project; each project's order stays.

    Args:
        events: Of any number of projects; a build's queued event comes before its others.
        size: Events in a batch.
    """
    projects: dict[str, str] = {}
    waiting: defaultdict[str, list[Event]] = defaultdict(list)
    runs: defaultdict[str, int] = defaultdict(int)
    for event in events:
        project = _project(event, projects)
        if waiting[project] and runs[project] + _runs(event) > MAX_RUNS_A_BATCH:
            yield project, waiting.pop(project)
            runs[project] = 0
        waiting[project].append(event)
        runs[project] += _runs(event)
        if len(waiting[project]) >= size:
            yield project, waiting.pop(project)
            runs[project] = 0
    yield from waiting.items()


def _project(event: Event, projects: dict[str, str]) -> str:
    """Return the project of *event*, remembering it only while the build is under way."""
    match event:
        case Queued(build=build):
            projects[event.build_id] = build.project
            return build.project
        case Finished(build_id=build_id):
            return projects.pop(build_id)
        case Reported(build_id=build_id):
            return projects[build_id]


def _runs(event: Event) -> int:
    return len(event.report.runs) if isinstance(event, Reported) else 0
