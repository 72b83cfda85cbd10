"""The JSON form says the same as the vocabulary, and refuses what cannot be true."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from devmind.ci import (
    BuildOutcome,
    BuildStatus,
    Change,
    ChangedFile,
    ChangeTotals,
    FileChange,
    Job,
    QueuedBuild,
    Step,
    TestReport,
    TestRun,
    Verdict,
)
from devmind.events import Finished, Queued, Reported
from devmind.wire import BuildBody, EventsBody, FinishBody, ReportBody

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
TIMES = st.integers(0, 2**32).map(lambda second: datetime.fromtimestamp(second, UTC))
COUNTS = st.integers(0, 10**6)
FILES = st.builds(
    ChangedFile,
    path=NAMES,
    lines_added=COUNTS,
    lines_deleted=COUNTS,
    kind=st.sampled_from(FileChange),
)
TOTALS = st.builds(
    ChangeTotals,
    lines_added=COUNTS,
    extensions=st.sets(NAMES, max_size=3).map(lambda names: tuple(sorted(names))),
)
CHANGES = st.builds(
    Change,
    commit=NAMES,
    author=NAMES,
    branch=NAMES,
    message=NAMES,
    files=st.lists(FILES, max_size=3).map(tuple),
    totals=st.none() | TOTALS,
)
BUILDS = st.builds(
    QueuedBuild,
    project=NAMES,
    pipeline=NAMES,
    external_id=NAMES,
    queued_at=TIMES,
    attempt=st.integers(1, 100),
    trigger=NAMES,
    change=CHANGES,
)
STEPS = st.builds(
    Step, name=NAMES, status=st.sampled_from(BuildStatus), started_at=st.none() | TIMES
)
JOBS = st.builds(
    Job,
    name=NAMES,
    status=st.sampled_from(BuildStatus),
    started_at=st.none() | TIMES,
    steps=st.lists(STEPS, max_size=2).map(tuple),
)
OUTCOMES = st.builds(
    BuildOutcome,
    status=st.sampled_from(BuildStatus),
    finished_at=TIMES,
    started_at=st.none() | TIMES,
    jobs=st.lists(JOBS, max_size=2).map(tuple),
)
RUNS = st.builds(
    TestRun,
    name=NAMES,
    verdict=st.sampled_from(Verdict),
    duration_s=st.floats(0, 1e6),
    attempt=st.integers(1, 9),
    message=NAMES,
)
REPORTS = st.builds(TestReport, name=NAMES, runs=st.lists(RUNS, max_size=3).map(tuple))
WHEN = "2026-01-05T10:00:00+00:00"
BUILD = {"project": "shop", "pipeline": "ci", "external_id": "1", "queued_at": WHEN}


@given(BUILDS, OUTCOMES, REPORTS)
def test_events_survive_the_wire(build, outcome, report):
    """
    Every event that is written as JSON is read back as itself.
    """
    events = [
        Queued(build=build),
        Reported(build_id=build.build_id, report=report),
        Finished(build_id=build.build_id, outcome=outcome),
    ]

    body = EventsBody.of(events).model_dump_json(exclude_defaults=True)

    assert events == [event.domain() for event in EventsBody.model_validate_json(body).events]


@pytest.mark.parametrize(
    ("body", "change"),
    [
        (BuildBody, {"colour": "red"}),
        (BuildBody, {"queued_at": "2026-01-05T10:00:00"}),
        (BuildBody, {"queued_at": "yesterday"}),
        (BuildBody, {"queued_at": "0001-01-01T00:00:00+23:59"}),
        (BuildBody, {"queued_at": "9999-12-31T23:59:59-23:59"}),
        (BuildBody, {"project": ""}),
        (BuildBody, {"attempt": 0}),
        (BuildBody, {"change": {"files": [{"path": "x" * 10_000}]}}),
        (BuildBody, {"change": {"files": [{"path": "a", "lines_added": -1}]}}),
    ],
)
def test_impossible_builds_are_refused(body, change):
    """
    A build with an unknown field, a time without a zone or an impossible value is refused.
    """
    with pytest.raises(ValidationError):
        body.model_validate(BUILD | change)


@pytest.mark.parametrize("seconds", ["NaN", "Infinity", "-1"])
def test_impossible_durations_are_refused(seconds):
    """
    A test run's duration is a number of seconds that has passed.
    """
    with pytest.raises(ValidationError):
        ReportBody.model_validate_json(
            f'{{"runs": [{{"name": "t", "verdict": "passed", "duration_s": {seconds}}}]}}'
        )


def test_times_become_utc():
    """
    A time in any zone is the same instant in UTC.
    """
    body = FinishBody.model_validate(
        {"status": "passed", "finished_at": "2026-01-05T12:00:00+02:00"}
    )

    assert datetime(2026, 1, 5, 10, tzinfo=UTC) == body.domain().finished_at
    assert timedelta(0) == body.domain().finished_at.utcoffset()
