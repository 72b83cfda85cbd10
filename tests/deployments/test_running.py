"""How much longer: what is asked, and what is answered."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from deployments.questions import About, JobNow, RemainingQuestion
from deployments.running import progress_of, time_left
from deployments.running_body import RemainingBody
from devmind.ci import BuildStatus
from devmind.errors import InvalidInput
from features.pipeline_jobs import JobProgress, JobSpan, PastRun
from tests.deployments.fakes import NOW, duration_answer
from tests.factories import queued

BUILD = queued()
ABOUT = About(project="shop")
PASSED = BuildStatus.PASSED


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


def told(**more):
    return RemainingQuestion(about=ABOUT, **more)


CLOCKS = {
    "elapsed": (told(elapsed_s=90.0), 90, ()),
    "start": (told(started_at=ago(80)), 80, ()),
    "first job": (
        told(jobs=(JobNow(name="b", started_at=ago(10)), JobNow(name="a", started_at=ago(70)))),
        70,
        (JobProgress(name="b", start_s=60), JobProgress(name="a", start_s=0)),
    ),
    "running for a while": (
        told(elapsed_s=90.0, jobs=(JobNow(name="a", duration_s=30.0),)),
        90,
        (JobProgress(name="a", start_s=60),),
    ),
    "running for longer than the build": (
        told(elapsed_s=90.0, jobs=(JobNow(name="a", duration_s=300.0),)),
        90,
        (JobProgress(name="a", start_s=0),),
    ),
    "ended, with times": (
        told(
            started_at=ago(80),
            jobs=(JobNow(name="a", status=PASSED, started_at=ago(70), finished_at=ago(20)),),
        ),
        80,
        (JobProgress(name="a", state="ended", start_s=10, end_s=60),),
    ),
    "ended, with a start and a duration": (
        told(
            started_at=ago(80),
            jobs=(JobNow(name="a", status=PASSED, started_at=ago(70), duration_s=5.0),),
        ),
        80,
        (JobProgress(name="a", state="ended", start_s=10, end_s=15),),
    ),
    "ended, with a duration": (
        told(elapsed_s=80.0, jobs=(JobNow(name="a", status=PASSED, duration_s=5.0),)),
        80,
        (JobProgress(name="a", state="ended"),),
    ),
}


@pytest.mark.parametrize(("question", "elapsed", "jobs"), CLOCKS.values(), ids=CLOCKS)
def test_seconds_count_from_the_first_start(question, elapsed, jobs):
    """
    However the caller tells the time, jobs lie in seconds after the build's start.
    """
    progress = progress_of(question, build=BUILD, now=NOW)

    assert (progress.elapsed_s, progress.jobs) == (elapsed, jobs)


def test_a_recorded_build_counts_from_its_queueing():
    """
    Asked by its id alone, a build has run since it was queued.
    """
    question = RemainingQuestion(about=About(build_id=BUILD.build_id))
    now = BUILD.queued_at + timedelta(seconds=33)

    assert progress_of(question, build=BUILD, now=now).elapsed_s == 33


STATES = {
    "queued": (JobNow(name="a", queued=True), "queued"),
    "running": (JobNow(name="a"), "running"),
    "failed": (JobNow(name="a", status=BuildStatus.FAILED), "ended"),
    "skipped": (JobNow(name="a", status=BuildStatus.SKIPPED), "left_out"),
}


@pytest.mark.parametrize(("job", "state"), STATES.values(), ids=STATES)
def test_a_job_waits_runs_or_is_over(job, state):
    """
    A job that was skipped is over without having run.
    """
    (seen,) = progress_of(told(elapsed_s=9.0, jobs=(job,)), build=BUILD, now=NOW).jobs

    assert seen.state == state


REFUSED = {
    "no time": (told(), "elapsed_s"),
    "future": (told(started_at=NOW + timedelta(hours=1)), "future"),
}


@pytest.mark.parametrize(("question", "word"), REFUSED.values(), ids=REFUSED)
def test_a_time_that_cannot_be_is_refused(question, word):
    """
    Without any time, or with one to come, the caller is told what to send.
    """
    with pytest.raises(InvalidInput, match=word):
        progress_of(question, build=BUILD, now=NOW)


WRONG = {
    "negative": {"elapsed_s": -1},
    "two clocks": {"elapsed_s": 1, "started_at": NOW},
    "ended and running": {"jobs": [{"name": "a", "status": "running", "finished_at": NOW}]},
    "ends before it starts": {
        "jobs": [{"name": "a", "status": "passed", "started_at": NOW, "finished_at": ago(1)}]
    },
    "waits and runs": {"jobs": [{"name": "a", "status": "queued", "duration_s": 3}]},
    "no status": {"jobs": [{"name": "a"}]},
}


@pytest.mark.parametrize("fields", WRONG.values(), ids=WRONG)
def test_contradictions_are_refused_at_the_border(fields):
    """
    A body that contradicts itself never becomes a question.
    """
    with pytest.raises(ValidationError):
        RemainingBody.model_validate({"project_name": "shop", **fields})


def test_the_answer_says_what_it_rests_on():
    """
    Median, end, job and basis come from the recent builds and the jobs that are done.
    """
    jobs = (
        JobSpan(name="lint", start_s=0.0, end_s=20.0),
        JobSpan(name="test", start_s=0.0, end_s=100.0),
    )
    question = told(
        elapsed_s=40.0,
        jobs=(
            JobNow(name="lint", status=PASSED, duration_s=20.0),
            JobNow(name="test", duration_s=40.0),
        ),
    )
    said = time_left(
        question,
        duration_answer(p10_s=95.0, p50_s=100.0, p90_s=105.0),
        (PastRun(duration_s=100.0, jobs=jobs),) * 9,
        build=BUILD,
        now=NOW,
    )

    assert pytest.approx(60, abs=1) == said.p50_s
    assert said.expected_end_at == NOW + timedelta(seconds=said.p50_s)
    assert (said.waits_for, said.later_than_usual) == ("test", False)
    assert said.basis == "9 recent builds of ci; 1 of 2 jobs done"
    assert (said.model_version, said.as_of, said.interval) == ("3", 7, 0.8)
