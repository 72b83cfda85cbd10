"""Small builders of builds, outcomes, reports and stored events; times are seconds after START."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np

from devmind.ci import (
    BuildOutcome,
    BuildStatus,
    Change,
    ChangedFile,
    ChangeTotals,
    FinishedBuild,
    QueuedBuild,
    TestReport,
    TestRun,
    Verdict,
)
from devmind.events import Event, Finished, Queued, in_order_of_time
from history.events import (
    VERDICTS,
    BuildFinished,
    BuildQueued,
    NamedTest,
    StoredEvent,
    TestsReported,
)

START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
"""A Monday at noon."""


def at(seconds: float) -> datetime:
    """Return the time *seconds* after START."""
    return START + timedelta(seconds=seconds)


def queued(  # noqa: PLR0913 - a build has this many sides
    external_id: str = "1",
    *,
    at_s: float = 0.0,
    project: str = "shop",
    pipeline: str = "ci.yml",
    attempt: int = 1,
    trigger: str = "push",
    commit: str = "",
    author: str = "ada",
    branch: str = "main",
    pull_request: str = "",
    message: str = "",
    files: Iterable[str | ChangedFile] = (),
    totals: ChangeTotals | None = None,
) -> QueuedBuild:
    """Return a queued build; a file given as a path has one line added."""
    return QueuedBuild(
        project=project,
        pipeline=pipeline,
        external_id=external_id,
        queued_at=at(at_s),
        attempt=attempt,
        trigger=trigger,
        change=Change(
            commit=commit,
            author=author,
            branch=branch,
            pull_request=pull_request,
            message=message,
            files=tuple(
                ChangedFile(path=file, lines_added=1) if isinstance(file, str) else file
                for file in files
            ),
            totals=totals,
        ),
    )


def finished(
    build: QueuedBuild,
    *,
    status: str = "passed",
    duration_s: float = 60.0,
    jobs=(),
    reports: Iterable[TestReport] = (),
) -> FinishedBuild:
    """Return *build* with an outcome *duration_s* after its queueing."""
    end = build.queued_at + timedelta(seconds=duration_s)
    outcome = BuildOutcome(status=BuildStatus(status), finished_at=end, jobs=tuple(jobs))
    return FinishedBuild(build=build, outcome=outcome, reports=tuple(reports))


def runs(**verdicts: str) -> tuple[TestRun, ...]:
    """Return test runs by name; several verdicts, by spaces, are attempts: `a="failed passed"`."""
    return tuple(
        TestRun(name=name, verdict=Verdict(word), attempt=attempt, duration_s=1.0)
        for name, words in verdicts.items()
        for attempt, word in enumerate(words.split(), start=1)
    )


def report(name: str = "unit", /, **verdicts: str) -> TestReport:
    """Return a report of `runs`."""
    return TestReport(name=name, runs=runs(**verdicts))


def stored(builds: Iterable[FinishedBuild]) -> list[StoredEvent]:
    """Return the stored events of *builds*, in order of time."""
    return store(in_order_of_time(sorted(builds, key=lambda build: build.build.queued_at)))


def store(events: Iterable[Event]) -> list[StoredEvent]:
    """Return *events* as a history gives them back: numbered, tests as columns."""
    names: dict[str, int] = {}
    return [_stored(event, number, names) for number, event in enumerate(events, start=1)]


def _stored(event: Event, sequence: int, names: dict[str, int]) -> StoredEvent:
    if isinstance(event, Queued):
        return BuildQueued(sequence=sequence, build_id=event.build_id, build=event.build)
    if isinstance(event, Finished):
        return BuildFinished(sequence=sequence, build_id=event.build_id, outcome=event.outcome)
    known = len(names)
    files = {run.name: run.file for run in reversed(event.report.runs)}
    for run in event.report.runs:
        names.setdefault(run.name, len(names))
    return TestsReported(
        sequence=sequence,
        build_id=event.build_id,
        report=event.report.name,
        tests=np.array([names[run.name] for run in event.report.runs], dtype=np.int32),
        verdicts=np.array([VERDICTS.index(run.verdict) for run in event.report.runs], np.int8),
        durations_s=np.array([run.duration_s for run in event.report.runs], dtype=np.float32),
        attempts=np.array([run.attempt for run in event.report.runs], dtype=np.int16),
        new_tests=tuple(
            NamedTest(number=number, name=name, file=files[name])
            for name, number in names.items()
            if number >= known
        ),
    )
