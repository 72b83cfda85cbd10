"""Histories whose future can be altered, and their rows by build and test."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from devmind.ci import FinishedBuild
from devmind.simulate import Timeline, make_company
from features.leaks import Readings
from features.replay import replay_builds, replay_tests
from history.events import TestsReported
from tests.factories import store
from tests.features.histories import builds, outcomes, reports

MONDAY = datetime(2025, 1, 6, tzinfo=UTC)


def simulated(count, *, seed):
    """Builds of a simulated project, with jobs, steps and tests, many at the same time."""
    company = make_company(seed=seed, projects=1, builds=count, start=MONDAY)
    return [one.finished for truth in company.projects for one in Timeline(truth).builds()]


@st.composite
def finished_builds(draw, *, most=8):
    """A small history in order of queueing, builds of all kinds and outcomes."""
    found = []
    for number in range(draw(st.integers(1, most))):
        build = draw(builds(number))
        told = draw(st.lists(reports, max_size=2, unique_by=lambda report: report.name))
        found.append(FinishedBuild(build=build, outcome=draw(outcomes(build)), reports=tuple(told)))
    return sorted(found, key=lambda one: one.build.queued_at)


def read_builds(events):
    """Return the rows of builds that a replay of *events* reads."""
    examples = replay_builds(store(events))
    keys = [(build, "") for build in examples.build_ids]
    return Readings(names=examples.names, rows=examples.rows, keys=keys)


def read_tests(events):
    """Return the rows of tests that a replay of *events* reads, by their names."""
    stored = store(events)
    known = [one for event in stored if isinstance(event, TestsReported) for one in event.new_tests]
    names = {one.number: one.name for one in known}
    examples = replay_tests(stored)
    pairs = zip(examples.cycle.tolist(), examples.tests.tolist(), strict=True)
    keys = [(examples.build_ids[cycle], names[test]) for cycle, test in pairs]
    return Readings(names=examples.names, rows=examples.rows, keys=keys)


def shuffled(history, *, after, random):
    """Deal out anew how builds ended that finish later than *after*: status, time, jobs, verdicts.

    A build keeps its place in the queue and the tests it runs, and still ends later than *after*.
    """
    late = [one for one in history if one.outcome.finished_at > after]
    dealt = [one.outcome for one in late]
    lasted = [one.outcome.finished_at - one.build.queued_at for one in late]
    runs = [run for one in late for report in one.reports for run in report.runs]
    verdicts = [(run.verdict, run.duration_s) for run in runs if run.verdict != "skipped"]
    hands = list(zip(dealt, lasted, strict=True))
    random.shuffle(hands)
    random.shuffle(verdicts)
    altered = {
        one.build.build_id: _ending(one, hand, verdicts, after)
        for one, hand in zip(late, hands, strict=True)
    }
    return [altered.get(one.build.build_id, one) for one in history]


def _ending(one, hand, verdicts, after):
    outcome, lasted = hand
    end = max(one.build.queued_at + lasted, after + timedelta(seconds=1))
    start = outcome.started_at and one.build.queued_at
    return FinishedBuild(
        build=one.build,
        outcome=replace(outcome, finished_at=end, started_at=start),
        reports=tuple(
            replace(report, runs=tuple(_run(run, verdicts) for run in report.runs))
            for report in one.reports
        ),
    )


def _run(run, verdicts):
    if run.verdict == "skipped":
        return run
    verdict, duration_s = verdicts.pop()
    return replace(run, verdict=verdict, duration_s=duration_s)
