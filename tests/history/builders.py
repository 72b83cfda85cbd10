"""Builds, reports and outcomes for tests: plain ones by hand, arbitrary ones by Hypothesis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

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
from devmind.events import Event, Finished, Queued, Reported

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def build(external_id="1", *, project="shop", pipeline="ci.yml", at_s=0.0, **fields):
    return QueuedBuild(
        project=project,
        pipeline=pipeline,
        external_id=str(external_id),
        queued_at=NOON + timedelta(seconds=at_s),
        **fields,
    )


def report(*names, name="unit", verdict=Verdict.PASSED, duration_s=0.25):
    runs = (TestRun(name=test, verdict=verdict, duration_s=duration_s) for test in names)
    return TestReport(name=name, runs=tuple(runs))


def outcome(status=BuildStatus.PASSED, *, at_s=60.0):
    return BuildOutcome(status=status, finished_at=NOON + timedelta(seconds=at_s))


def story(queued: QueuedBuild, *reports: TestReport) -> list[Event]:
    """Everything that happens to one build."""
    told = [Reported(build_id=queued.build_id, report=one) for one in reports]
    return [
        Queued(build=queued),
        *told,
        Finished(build_id=queued.build_id, outcome=outcome()),
    ]


zones = st.sampled_from([UTC, timezone(timedelta(hours=9)), timezone(timedelta(minutes=-210))])
years = (NOON.replace(year=2000, tzinfo=None), NOON.replace(year=2100, tzinfo=None))
times = st.datetimes(*years, timezones=zones)
texts = st.text(max_size=40)
keys = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
names = keys.filter(bool)
statuses = st.sampled_from(BuildStatus)
counts = st.integers(0, 2**31 - 1)
durations = st.floats(0, 366 * 86_400, width=32)

changes = st.builds(
    Change,
    commit=texts,
    author=texts,
    branch=texts,
    message=texts,
    files=st.lists(
        st.builds(
            ChangedFile,
            path=texts.filter(bool),
            lines_added=counts,
            lines_deleted=counts,
            kind=st.sampled_from(FileChange),
        ),
        max_size=3,
    ).map(tuple),
    totals=st.none()
    | st.builds(
        ChangeTotals,
        files_added=counts,
        doc_files=counts,
        extensions=st.sets(texts, max_size=3).map(lambda words: tuple(sorted(words))),
    ),
)
steps = st.builds(
    Step,
    name=texts,
    status=statuses,
    started_at=st.none() | times,
    finished_at=st.none() | times,
)
ci_jobs = st.builds(
    Job,
    name=texts,
    status=statuses,
    queued_at=st.none() | times,
    started_at=st.none() | times,
    finished_at=st.none() | times,
    runner=texts,
    steps=st.lists(steps, max_size=3).map(tuple),
)
outcomes = st.builds(
    BuildOutcome,
    status=statuses,
    finished_at=times,
    started_at=st.none() | times,
    jobs=st.lists(ci_jobs, max_size=3).map(tuple),
)
test_runs = st.builds(
    TestRun,
    name=names,
    verdict=st.sampled_from(Verdict),
    duration_s=durations,
    attempt=st.integers(1, 10_000),
    file=keys,
    message=texts,
)
reports = st.builds(TestReport, runs=st.lists(test_runs, max_size=8).map(tuple), name=keys)


def builds(project: str) -> st.SearchStrategy[QueuedBuild]:
    """Arbitrary builds of *project*."""
    return st.builds(
        QueuedBuild,
        project=st.just(project),
        pipeline=names,
        external_id=names,
        queued_at=times,
        attempt=st.integers(1, 10_000),
        trigger=texts,
        change=changes,
    )
