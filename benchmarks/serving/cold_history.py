"""A real history of large projects that nobody has asked about, with their snapshots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from benchmarks.serving import projects
from deployments.room import SNAPSHOT_VERDICTS
from devmind.ci import TestReport, TestRun
from devmind.events import Event, Finished, Queued, Reported
from features.verdict_state import TestState
from history.events import (
    VERDICTS,
    BuildFinished,
    BuildQueued,
    NamedTest,
    Snapshot,
    StoredEvent,
    TestsReported,
)
from history.store import HistoryStore

EVENTS_A_BUILD = 3
_BATCH = 300


def write(store: HistoryStore, project: str, told: Sequence[StoredEvent], body: bytes) -> int:
    """Record a project whose snapshot is as old as a snapshot may get.

    Reports that the snapshot has folded are recorded with one verdict each, since only their
    number matters; those after it, as many as `SNAPSHOT_VERDICTS` allows, whole.

    Args:
        store: An open history.
        project: As long as `projects.TAG`.
        told: The events of `projects.events`, more of them than the snapshot has folded.
        body: The snapshot, of `projects.TAG`.

    Returns:
        How many events come after the snapshot.
    """
    state = TestState.thaw(body)
    names = next(event.new_tests for event in told if isinstance(event, TestsReported))
    events = _recorded(project, told, names, whole_after=state.as_of)
    until = state.as_of + _news(told[state.as_of :])
    events = islice(events, until)
    while batch := list(islice(events, _BATCH)):
        store.append(project, batch)
    frozen = projects.named(body, project)
    store.save_snapshot(
        Snapshot(project=project, state=TestState.STATE, as_of=state.as_of, body=frozen)
    )
    return until - state.as_of


def _news(told: Sequence[StoredEvent]) -> int:
    """Count the events of whole builds that may be left unfrozen."""
    verdicts = count = 0
    for number, event in enumerate(told, start=1):
        verdicts += len(event.tests) if isinstance(event, TestsReported) else 0
        if verdicts >= SNAPSHOT_VERDICTS:
            break
        count = number
    return count - count % EVENTS_A_BUILD


def _recorded(
    project: str, told: Sequence[StoredEvent], names: Sequence[NamedTest], *, whole_after: int
) -> Iterator[Event]:
    for event in told:
        if isinstance(event, BuildQueued):
            build = replace(event.build, project=project)
            yield Queued(build=build)
        elif isinstance(event, BuildFinished):
            yield Finished(build_id=build.build_id, outcome=event.outcome)
        else:
            many = None if event.new_tests or event.sequence > whole_after else 1
            yield Reported(build_id=build.build_id, report=_report(event, names, many))


def _report(event: TestsReported, names: Sequence[NamedTest], many: int | None) -> TestReport:
    rows = zip(
        event.tests[:many].tolist(),
        event.verdicts[:many].tolist(),
        event.durations_s[:many].tolist(),
        strict=True,
    )
    runs = (
        TestRun(
            name=names[test].name,
            verdict=VERDICTS[verdict],
            duration_s=duration_s,
            file=names[test].file,
        )
        for test, verdict, duration_s in rows
    )
    return TestReport(name=event.report, runs=tuple(runs))
