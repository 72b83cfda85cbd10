import math

import pytest

from devmind.events import Finished, Queued
from features.build_state import BuildState
from history.events import BuildFinished
from tests.factories import finished, queued, report, store, stored
from tests.features.asking import asked, build_row, fold

ASK = queued("ask", at_s=100_000)


def ended(outcomes, **traits):
    """Builds an hour apart, each a minute long: `F` failed, `P` passed, `C` canceled."""
    status = {"F": "failed", "P": "passed", "C": "canceled"}
    return [
        finished(queued(f"{traits}{i}", at_s=3_600 * i, **traits), status=status[letter])
        for i, letter in enumerate(outcomes)
    ]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ("", [math.nan, math.nan, math.nan, math.nan, 0]),
        ("P", [0, 0, math.nan, 0, 1]),
        ("F", [1, 1, 0, 1, 1]),
        ("PFFCP", [0, 0, 1, 0.5, 4]),
        ("PFFFFFFF", [1, 7, 0, 1, 8]),
        ("FPPPPPP", [0, 0, 6, 0, 7]),
        ("CC", [math.nan, math.nan, math.nan, math.nan, 0]),
    ],
)
def test_outcomes_are_counted(outcomes, expected):
    """
    Streaks, distance from the last failure and recent rates follow passed and failed builds only.
    """
    names = (
        "pipeline_last_failed",
        "pipeline_failures_in_a_row",
        "pipeline_builds_since_failure",
        "pipeline_failure_rate_5",
        "pipeline_outcomes",
    )

    assert asked(ended(outcomes), ASK, *names) == pytest.approx(expected, nan_ok=True)


def test_lags_are_the_last_outcomes():
    """
    `failed_2` to `failed_5` are the outcomes before the last, newest first.
    """
    names = [f"pipeline_failed_{lag}" for lag in range(2, 6)]

    assert asked(ended("FPPFP"), ASK, *names) == [1, 0, 0, 1]
    assert math.isnan(build_row(ended("FP"), ASK)["pipeline_failed_3"])


def test_failure_rates_are_weighted_means():
    """
    The weight of an outcome halves every ten (slow) or three (fast) outcomes, weights sum to 1.
    """
    slow, fast = 2 ** (-1 / 10), 2 ** (-1 / 3)
    names = ("project_failure_rate_ewma", "project_failure_rate_fast")
    expected = [slow / (1 + slow + slow**2), fast / (1 + fast + fast**2)]

    assert pytest.approx(expected, rel=1e-6) == asked(ended("PFP"), ASK, *names)


def test_an_author_with_one_build_is_drawn_to_the_pipeline():
    """
    A key's rate is mixed with the pipeline's, which counts as one outcome.
    """
    builds = ended("P" * 30, author="ada") + ended("F", author="bob")
    row = build_row(builds, queued("ask", at_s=200_000, author="bob"))
    pipeline = row["pipeline_failure_rate_ewma"]

    assert pytest.approx((1 + pipeline) / 2, rel=1e-6) == row["author_failure_rate_ewma"]


def test_hours_since_the_last_failure_count_from_its_end():
    """
    The clock of a failure starts when the failed build has finished.
    """
    got = asked(ended("F"), queued("ask", at_s=3_660), "branch_hours_since_failure")

    assert got == [1.0]


def test_a_late_clock_never_makes_time_run_backwards():
    """
    A failure that ended after the asking build was queued lies zero hours back.
    """
    build = queued("late", at_s=50)
    events = store([Queued(build=build), Finished(build_id=build.build_id, outcome=_failed(9_000))])
    state = fold(BuildState(), events)
    row = dict(zip(state.names, state.read(queued("ask", at_s=60)).tolist(), strict=True))

    assert row["pipeline_hours_since_failure"] == 0.0


def test_touched_files_carry_their_failures():
    """
    A change is as risky as the riskiest file it touches, shrunk by the pipeline's rate.
    """
    builds = ended("F", files=("src/bad.py",)) + ended("P", files=("src/good.py",))
    ask = queued("ask", at_s=100_000, files=("src/bad.py", "src/new.py"))
    row = build_row(builds, ask)
    prior = row["pipeline_failure_rate_ewma"]

    assert pytest.approx((1 + 2 * prior) / 3, rel=1e-6) == row["file_failure_rate_max"]
    assert row["file_new_share"] == 0.5
    assert row["directory_new_share"] == 0.0


def test_files_since_the_last_pass():
    """
    Files of failed builds stay in question until the branch passes again.
    """
    broken = ended("FF", branch="fix/x", files=("a.py", "b.py"))
    fixed = ended("FFP", branch="fix/x", files=("a.py", "b.py"))
    ask = queued("ask", at_s=100_000, branch="fix/x", files=("b.py", "c.py"))
    names = ("files_since_pass", "files_since_pass_share")

    assert asked(broken, ask, *names) == [2, 0.5]
    assert asked(fixed, ask, *names) == [0, 0]


def test_reports_of_a_build_add_up():
    """
    The last report is that of all jobs of the pipeline's last reporting build.
    """
    builds = [
        finished(queued("1"), reports=[report(a="passed", b="passed")]),
        finished(
            queued("2", at_s=600),
            reports=[
                report("linux", a="failed", b="passed"),
                report("mac", a="error", c="skipped"),
            ],
        ),
    ]
    names = ("last_report_tests", "last_report_failing", "last_report_failing_share")

    assert pytest.approx([3, 2, 2 / 3]) == asked(builds, ASK, *names)


def test_an_outcome_of_a_stranger_is_ignored():
    """
    A finish of a build that was never queued here changes nothing but `as_of`.
    """
    events = stored(ended("PF"))
    stray = BuildFinished(sequence=99, build_id="never-queued", outcome=_failed(9_000))
    state, other = fold(BuildState(), events), fold(BuildState(), [*events, stray])

    assert other.as_of == 99
    assert state.read(ASK).tobytes() == other.read(ASK).tobytes()


def test_earlier_builds_of_the_commit_are_known():
    """
    A rerun of a commit that failed says so.
    """
    builds = [
        finished(queued("1", commit="c1"), status="failed"),
        finished(queued("2", at_s=100, commit="c1", pipeline="docs.yml")),
    ]
    ask = queued("1", at_s=900, commit="c1", attempt=2)
    names = ("attempt", "commit_builds", "commit_outcomes", "commit_failed_share")

    assert asked(builds, ask, *names) == [2, 2, 2, 0.5]


def _failed(at_s):
    return finished(queued(at_s=at_s), status="failed").outcome
