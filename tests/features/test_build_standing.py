import math

import pytest

from features.build_state import BuildState
from history.events import BuildQueued
from tests.factories import finished, queued, stored
from tests.features.asking import asked, build_row

HOUR_S = 3_600.0
STATUS = {"F": "failed", "P": "passed"}


def ended(letters, *, start=0, step_s=HOUR_S, duration_s=60.0, **traits):
    """Builds an hour apart: `F` failed, `P` passed."""
    return [
        finished(
            queued(f"{sorted(traits.items())}{start + i}", at_s=step_s * (start + i), **traits),
            status=STATUS[letter],
            duration_s=duration_s,
        )
        for i, letter in enumerate(letters)
    ]


def ask(**traits):
    return queued("ask", at_s=1_000 * HOUR_S, **traits)


def test_habits_tell_broken_branches_from_flaky_ones():
    """
    Where failures come in streaks, a failure is followed by failures; where they alternate, not.
    """
    names = ("failure_after_failure_rate", "failure_after_pass_rate", "failure_streak_mean")

    sticky = asked(ended("PPPPFFFFFFPPPPPPFFFFFF"), ask(), *names)
    flaky = asked(ended("PFPFPFPFPFPFPFPFPFPFPF"), ask(), *names)

    assert sticky[0] > 0.7
    assert sticky[1] < 0.4
    assert flaky[0] < 0.3
    assert flaky[1] > 0.7
    assert sticky[2] == 6
    assert flaky[2] == pytest.approx(1)


@pytest.mark.parametrize(
    ("branch", "column"),
    [
        ("broken", "failure_after_failure_rate"),
        ("sound", "failure_after_pass_rate"),
        ("unseen", "new_branch_failure_rate"),
    ],
)
def test_a_branch_is_told_the_rate_of_its_own_standing(branch, column):
    """
    The rate that applies is that of builds whose branch stood as this one's does.
    """
    builds = [*ended("PFF", branch="broken"), *ended("FPP", branch="sound", start=10)]
    row = build_row(builds, ask(branch=branch))

    assert row["branch_state_failure_rate"] == row[column]


def test_health_counts_by_the_clock_and_by_other_branches():
    """
    Six hours, a day and a week each see their own builds; other branches count once each.
    """
    at = 1_000
    builds = [
        *ended("FFFF", start=at - 100, branch="a"),
        *ended("PPPP", start=at - 20, branch="b"),
        *ended("F", start=at - 3, branch="c"),
        *ended("P", start=at - 2, branch="mine"),
    ]
    names = ("project_failure_rate_6h", "project_failure_rate_day", "project_failure_rate_week")
    usual = 5 / 10

    rates = asked(builds, ask(branch="mine"), *names)

    expected = [(failures + 2 * usual) / (n + 2) for failures, n in ((1, 2), (1, 6), (5, 10))]
    assert rates == pytest.approx(expected, rel=1e-6)
    more = asked(builds, ask(branch="mine"), "project_outcomes_day", "other_branches_failing_share")
    assert more == pytest.approx([6, 2 / 3], rel=1e-6)


def test_the_last_failure_is_compared_with_this_change():
    """
    Likeness is the Jaccard index of paths, a failure's length is against that of passes.
    """
    builds = [
        *ended("PPP", duration_s=100, author="ada"),
        *ended("F", start=5, duration_s=50, author="ada", files=("a.py", "b.py")),
    ]
    names = ("last_failure_likeness", "last_failure_same_author", "last_failure_log_duration")

    assert asked(builds, ask(author="ada", files=("b.py", "c.py")), *names) == pytest.approx(
        [1 / 3, 1, math.log(0.5)], rel=1e-6
    )
    assert asked(builds, ask(author="bob", files=("z.py",)), *names)[:2] == [0, 0]
    assert all(math.isnan(value) for value in asked([], ask(), *names))


def test_look_alikes_weigh_builds_by_what_they_share():
    """
    An author whose builds fail on such a branch is told apart from another whose builds pass.
    """
    builds = [
        *ended("FFFFF", author="ada", branch="x"),
        *ended("PPPPP", author="bob", branch="y", start=5),
    ]

    (ada,) = asked(builds, ask(author="ada", branch="x"), "look_alikes_failure_rate")
    (bob,) = asked(builds, ask(author="bob", branch="y"), "look_alikes_failure_rate")

    assert ada > 0.9
    assert bob < 0.1


def test_other_pipelines_speak_of_the_same_branch_and_main_of_main():
    """
    A branch that fails in one pipeline is known to another; main's outcomes reach every branch.
    """
    builds = [
        *ended("FF", branch="topic", pipeline="lint.yml"),
        *ended("PF", branch="main", start=5),
        *ended("PP", branch="other", start=9),
    ]
    row = build_row(builds, ask(branch="topic", pipeline="ci.yml"))

    assert row["line_failures_in_a_row"] == 2
    assert math.isnan(row["branch_last_failed"])
    assert (row["main_last_failed"], row["main_outcomes"]) == (1, 2)


def test_bustle_counts_the_hour_and_the_authors_day():
    """
    Builds of the last hour, of these running; the author's of the day; the newest that runs.
    """
    now = 1_000 * HOUR_S
    builds = [
        finished(queued("old", at_s=now - 5 * HOUR_S, author="ada"), duration_s=60),
        finished(queued("done", at_s=now - 1_800, author="bob"), duration_s=60),
        finished(queued("runs", at_s=now - 600, author="ada"), duration_s=1e5),
    ]
    state = BuildState()
    for event in stored(builds):
        if event.build_id != builds[2].build.build_id or isinstance(event, BuildQueued):
            state.update(event)
    row = dict(zip(state.names, state.read(ask(author="ada")).tolist(), strict=True))

    assert (row["builds_last_hour"], row["in_flight_last_hour"]) == (2, 1)
    assert (row["author_builds_last_day"], row["author_in_flight"]) == (2, 1)
    assert row["in_flight_newest_s"] == 600
