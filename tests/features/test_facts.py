import math
from datetime import timedelta

import pytest

from devmind.ci import BuildStatus, Job, Step
from features.build_state import BuildState
from features.facts import Tally
from features.pipelines import LONGEST_S
from tests.factories import finished, queued, stored
from tests.features.asking import fold


def span(kind, name, build, times_s, *, status="passed", **more):
    """A job or step between two times in seconds after its build was queued."""
    start, end = (build.queued_at + timedelta(seconds=seconds) for seconds in times_s)
    return kind(name=name, status=BuildStatus(status), started_at=start, finished_at=end, **more)


def built(i, *, install_s=60.0, lint_s=10.0, status="passed"):
    """Build *i*: a job `unit` of the steps install and pytest, and a job `lint`."""
    build = queued(str(i), at_s=3_600 * i)
    steps = (
        span(Step, "install", build, (0, install_s)),
        span(Step, "pytest", build, (install_s, install_s + 40)),
        span(Step, "upload", build, (install_s + 40, install_s + 41), status="skipped"),
    )
    unit = span(Job, "unit", build, (0, install_s + 40), steps=steps)
    lint = span(Job, "lint", build, (0, lint_s))
    return finished(build, status=status, duration_s=install_s + 50, jobs=(unit, lint))


def test_facts_count_builds_like_this_one():
    """
    Tallies are the counts that a sentence can quote.
    """
    builds = [
        finished(queued("1", at_s=0, branch="fix/x", files=("a/x.py",)), status="failed"),
        finished(queued("2", at_s=100, branch="fix/x", files=("a/x.py", "poetry.lock"))),
        finished(queued("3", at_s=200, author="bob", files=("b/y.md",)), duration_s=30),
        finished(queued("4", at_s=300, branch="fix/x"), status="canceled"),
    ]
    state = fold(BuildState(), stored(builds))
    facts = state.facts(queued("5", at_s=400, branch="fix/x", files=("a/z.py", "b/z.py")))

    assert Tally(builds=3, failures=1) == facts.project == facts.pipeline
    assert Tally(builds=2, failures=1) == facts.author == facts.branch
    assert facts.branch_failed == (False, True)
    assert Tally(builds=1, failures=0) == facts.with_dependencies
    assert Tally(builds=2, failures=1) == facts.without_dependencies
    assert Tally(builds=1, failures=1) == facts.file_types
    assert [(name, t.failure_rate) for name, t in facts.areas] == [("a", 0.5), ("b", 0.0)]
    assert facts.touches_dependencies is False
    assert (
        facts.pipeline_durations.builds,
        facts.pipeline_durations.last_s,
        facts.pipeline_durations.median_s,
    ) == (2, 30, 45)


def test_facts_of_an_unknown_project_are_empty():
    """
    Without history every tally is zero and every duration NaN; nothing raises.
    """
    facts = BuildState().facts(queued())

    assert Tally() == facts.project == facts.branch
    assert math.isnan(facts.project.failure_rate)
    assert math.isnan(facts.pipeline_durations.median_s)
    assert facts.touches_dependencies is None
    assert BuildState().steps("ci.yml") == []
    assert BuildState().pipeline("ci.yml").builds == 0


def test_steps_have_shares_and_trends():
    """
    A step that grew from 60 to 100 seconds shows both medians and the builds that prove it.
    """
    builds = [built(i, install_s=60 if i < 20 else 100) for i in range(30)]
    state = fold(BuildState(), stored(builds))
    facts = {(fact.job, fact.step): fact for fact in state.steps("ci.yml")}

    assert {("unit", ""), ("unit", "install"), ("unit", "pytest"), ("lint", "")} == set(facts)
    install = facts["unit", "install"]
    assert (install.recent_median_s, install.older_median_s, install.seen) == (100, 60, 30)
    assert pytest.approx(install.ewma_s / facts["unit", ""].ewma_s) == install.job_share
    assert (install.last_share, facts["lint", ""].last_share) == (1.0, 0.0)
    assert [b.build.build_id for b in builds[:-4:-1]] == list(install.examples)


def test_failed_builds_teach_no_steps():
    """
    Steps are learned from passed builds, as failed ones end early.
    """
    state = fold(BuildState(), stored([built(1), built(2, install_s=5, status="failed")]))

    assert {1} == {fact.seen for fact in state.steps("ci.yml")}


def test_a_step_that_no_longer_runs_is_left_out():
    """
    A job that the last twenty passed builds did not run is not recommended about.
    """
    old = finished(queued("old"), jobs=(span(Job, "gone", queued("old"), (0, 99)),))
    state = fold(BuildState(), stored([old, *(built(i) for i in range(1, 22))]))

    assert {"unit", "lint"} == {fact.job for fact in state.steps("ci.yml")}


def test_superseded_runs_are_the_seconds_after_a_newer_build():
    """
    A build that runs on for 400 s after a newer one of its branch was queued wasted these.
    """
    builds = [
        finished(queued("1", at_s=0, branch="fix/x"), duration_s=500),
        finished(queued("2", at_s=50, branch="fix/y"), duration_s=500),
        finished(queued("3", at_s=100, branch="fix/x"), duration_s=500),
        finished(queued("4", at_s=150, branch="main"), duration_s=500),
        finished(queued("5", at_s=550, branch="main"), duration_s=500),
    ]
    facts = fold(BuildState(), stored(builds)).pipeline("ci.yml")

    superseded, on_main = facts.superseded, facts.superseded_on_main
    assert (superseded.builds, superseded.seconds) == (1, 400)
    assert (builds[0].build.build_id,) == superseded.examples
    assert (on_main.builds, on_main.seconds) == (1, 100)
    assert (facts.builds, facts.seconds) == (5, 2_500)


def test_canceled_runs_waste_nothing_more():
    """
    Where a team already cancels superseded runs, there is nothing to recommend.
    """
    builds = [
        finished(queued("1", branch="fix/x"), status="canceled", duration_s=500),
        finished(queued("2", at_s=100, branch="fix/x"), duration_s=500),
    ]

    assert fold(BuildState(), stored(builds)).pipeline("ci.yml").superseded.builds == 0


def test_documentation_and_reruns_are_counted_with_their_seconds():
    """
    Builds of documents alone and second attempts are counted; days of waiting are capped.
    """
    builds = [
        finished(queued("1", files=("README.md",)), duration_s=300),
        finished(queued("2", at_s=1_000, files=("a.py",), attempt=2), duration_s=40),
        finished(queued("3", at_s=2_000, files=("a.py",)), duration_s=9e6),
    ]
    facts = fold(BuildState(), stored(builds)).pipeline("ci.yml")

    assert (facts.docs_only.builds, facts.docs_only.seconds) == (1, 300)
    assert (facts.reruns.builds, facts.reruns.seconds) == (1, 40)
    assert facts.seconds == 340 + LONGEST_S
