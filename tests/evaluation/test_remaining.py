"""Builds asked about midway."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from devmind.ci import BuildStatus, Job
from evaluation.remaining import MEDIAN, MINUS_ELAPSED, OURS, progress_at, walk_remaining
from history.events import BuildFinished
from tests.factories import finished, queued, stored

BUILDS = 12


def built(number, build_s=100.0):
    """A job of 100 s, then one of 50 s; the builds run side by side."""
    build = queued(str(number), at_s=60.0 * number)

    def job(name, start_s, end_s):
        start, end = (build.queued_at + timedelta(seconds=s) for s in (start_s, end_s))
        return Job(name=name, status=BuildStatus.PASSED, started_at=start, finished_at=end)

    jobs = (job("build", 0, build_s), job("deploy", build_s, build_s + 50))
    return finished(build, duration_s=build_s + 55, jobs=jobs)


def asked(events, number):
    build = queued(str(number), at_s=60.0 * number).build_id
    return walk_remaining(
        events, lambda _state, _build: np.array([140.0, 160.0, 180.0]), asked={build}
    )


def test_every_moment_has_its_truth_and_every_rule():
    """
    A quarter, a half and three quarters through, each rule is compared with what was left.
    """
    rows = asked(stored([built(n) for n in range(BUILDS)]), BUILDS - 1)

    assert [(row.share, row.elapsed_s, row.actual_s) for row in rows] == [
        (0.25, 37.5, 112.5),
        (0.5, 75.0, 75.0),
        (0.75, 112.5, 37.5),
    ]
    assert [row.said_s[MEDIAN][1] for row in rows] == [112.5, 75.0, 37.5]
    assert [row.said_s[MINUS_ELAPSED][1] for row in rows] == [122.5, 85.0, 47.5]
    assert [row.said_s[OURS][1] for row in rows] == pytest.approx([112.5, 75.0, 37.5], abs=2)


def test_the_future_changes_no_answer():
    """
    How builds end after a build was asked about changes nothing that was said.
    """
    events = stored([built(n) for n in range(BUILDS)])
    number = BUILDS // 2
    moment = queued(at_s=60.0 * number + 112.5).queued_at

    def altered(event):
        mine = event.build_id == queued(str(number)).build_id
        if not isinstance(event, BuildFinished) or mine or event.outcome.finished_at <= moment:
            return event
        jobs = (replace(event.outcome.jobs[0], name="other"),)
        return replace(event, outcome=replace(event.outcome, jobs=jobs))

    changed = [altered(event) for event in events]
    before, after = asked(events, number), asked(changed, number)

    assert changed != events
    for one, other in zip(before, after, strict=True):
        for rule, said in one.said_s.items():
            np.testing.assert_array_equal(said, other.said_s[rule])


def test_a_job_is_known_from_its_start_on():
    """
    Midway the first job has ended or runs, and the second is not known before it starts.
    """
    build = built(1)
    early = progress_at(build.outcome, build.build.queued_at, 99.0)
    later = progress_at(build.outcome, build.build.queued_at, 101.0)

    assert [(job.name, job.state, job.end_s) for job in early.jobs] == [("build", "running", None)]
    assert [(job.name, job.state, job.end_s) for job in later.jobs] == [
        ("build", "ended", 100.0),
        ("deploy", "running", None),
    ]
