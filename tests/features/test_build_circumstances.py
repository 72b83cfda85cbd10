import math

import pytest

from devmind.events import Finished, Queued
from features.build_state import BuildState
from tests.factories import finished, queued, store
from tests.features.asking import asked, build_row, fold

HOUR = 3_600


def running_row(started, ask):
    """Return the row for *ask* while all builds of *started* run."""
    state = fold(BuildState(), store(Queued(build=build) for build in started))
    return dict(zip(state.names, state.read(ask).tolist(), strict=True))


def test_the_calendar_is_in_utc():
    """
    The start is a Monday noon; Sunday at six is a quarter of a turn and a weekend.
    """
    sunday = build_row([], queued(at_s=6 * 24 * HOUR - 6 * HOUR))

    assert (sunday["hour"], sunday["weekday"], sunday["weekend"]) == (6, 6, 1)
    assert (pytest.approx(1), pytest.approx(0, abs=1e-6)) == (
        sunday["hour_sin"],
        sunday["hour_cos"],
    )


def test_builds_in_flight_are_counted():
    """
    Running builds count by project, pipeline and branch; the asking build is not one of them.
    """
    started = [
        queued("1", branch="fix/x"),
        queued("2", branch="fix/y"),
        queued("3", branch="fix/x", pipeline="docs.yml"),
    ]
    row = running_row(started, queued("4", at_s=60, branch="fix/x"))

    names = ("in_flight", "pipeline_in_flight", "branch_in_flight")
    assert [row[name] for name in names] == [3, 2, 1]


def test_a_build_that_never_ends_is_in_flight_for_six_hours():
    """
    An end that is never reported does not make the CI look busy for ever.
    """
    started = [queued("1")]

    assert running_row(started, queued("2", at_s=5.9 * HOUR))["in_flight"] == 1
    assert running_row(started, queued("2", at_s=6.1 * HOUR))["in_flight"] == 0


def test_a_finished_build_is_no_longer_in_flight():
    """
    The end of a build frees its place, whatever its outcome.
    """
    build = queued("1")
    canceled = finished(build, status="canceled", duration_s=30).outcome
    events = store([Queued(build=build), Finished(build_id=build.build_id, outcome=canceled)])
    state = fold(BuildState(), events)

    row = dict(zip(state.names, state.read(queued("2", at_s=60)).tolist(), strict=True))
    assert (row["in_flight"], row["builds_last_day"]) == (0, 1)


def test_gaps_are_from_queueing_to_queueing():
    """
    The gap is that to the previous build of project, pipeline and branch.
    """
    builds = [
        finished(queued("1", at_s=0, branch="fix/x")),
        finished(queued("2", at_s=100)),
        finished(queued("3", at_s=300, pipeline="docs.yml")),
    ]
    names = ("gap_s", "pipeline_gap_s", "branch_gap_s")

    assert asked(builds, queued("4", at_s=1_000, branch="fix/x"), *names) == [700, 900, 1_000]


def test_a_build_from_the_past_has_no_negative_gap():
    """
    Events that come out of order give zero, not a time before.
    """
    builds = [finished(queued("1", at_s=1_000))]

    assert asked(builds, queued("2", at_s=10), "gap_s", "author_gap_s") == [0, 0]


def test_the_team_is_who_built_lately():
    """
    Authors of the last builds and of the last 90 days are counted once each.
    """
    day = 24 * HOUR
    builds = [
        finished(queued("1", at_s=0, author="cyd")),
        finished(queued("2", at_s=60 * day, author="ada")),
        finished(queued("3", at_s=61 * day, author="bob")),
        finished(queued("4", at_s=62 * day, author="ada")),
    ]
    ask = queued("5", at_s=100 * day, author="ada")
    names = ("team_100_builds", "team_90_days", "author_builds", "author_days", "author_gap_s")

    assert [3, 2, 2, 40, 38 * day] == asked(builds, ask, *names)


def test_a_newcomer_has_no_builds_and_nobody_has_no_number():
    """
    An author never seen has zero builds; a build without author has an unknown number.
    """
    assert asked([], queued(author="new"), "author_builds") == [0]
    assert math.isnan(build_row([], queued(author=""))["author_builds"])


@pytest.mark.parametrize(
    ("trigger", "column"),
    [
        ("push", "trigger_push"),
        ("pull_request_target", "trigger_pull_request"),
        ("workflow_dispatch", "trigger_manual"),
        ("SCHEDULE", "trigger_schedule"),
        ("merge_group", "trigger_merge_group"),
        ("gerrit", "trigger_other"),
    ],
)
def test_triggers_of_ci_systems_are_recognised(trigger, column):
    """
    Words of several systems for the same reason set the same flag, and only that.
    """
    row = build_row([], queued(trigger=trigger))

    assert [column] == [n for n, v in row.items() if n.startswith("trigger_") and v == 1]


def test_a_branch_has_kind_age_and_builds():
    """
    Builds on the branch count from its first one.
    """
    builds = [finished(queued(str(i), at_s=i * 24 * HOUR, branch="fix/x")) for i in range(3)]
    row = build_row(builds, queued("n", at_s=4 * 24 * HOUR, branch="fix/x", pull_request="7"))

    names = ("branch_is_fix", "branch_is_main", "branch_builds", "branch_days", "is_pull_request")
    assert [row[name] for name in names] == [1, 0, 3, 4, 1]
