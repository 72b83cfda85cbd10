"""How much longer a running build takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.pipeline_jobs import JobProgress, JobSpan, PastRun, Progress
from models.courses import Course, left_out
from models.remaining import levels_of, remaining, weighted_quantile

seconds = st.floats(0, 1e6)
NAMES = ("build", "lint", "deploy")


@st.composite
def past_runs(draw):
    """A build that passed, with some of three jobs."""
    jobs = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
        start = draw(st.floats(0, 1_000))
        jobs.append(JobSpan(name=name, start_s=start, end_s=start + draw(st.floats(0, 1_000))))
    first = min((job.start_s for job in jobs), default=0.0)
    last = max((job.end_s for job in jobs), default=draw(st.floats(0, 5_000)))
    moved = (
        JobSpan(name=job.name, start_s=job.start_s - first, end_s=job.end_s - first) for job in jobs
    )
    in_order = sorted(moved, key=lambda job: (job.start_s, job.end_s))
    return PastRun(duration_s=last - first, jobs=tuple(in_order))


@st.composite
def jobs_by(draw, moment_s):
    """What some jobs may have done by a moment."""
    jobs = []
    for name in draw(st.lists(st.sampled_from((*NAMES, "new")), unique=True, max_size=3)):
        start = draw(st.floats(0, moment_s))
        state = draw(st.sampled_from(("queued", "running", "ended", "left_out")))
        end = draw(st.floats(start, moment_s)) if state == "ended" else None
        began = start if state in ("running", "ended") else None
        jobs.append(JobProgress(name=name, state=state, start_s=began, end_s=end))
    return tuple(jobs)


predictions = st.tuples(*[st.floats(0.1, 50_000)] * 3).map(sorted)
histories = st.lists(past_runs(), max_size=5)
moments = st.floats(0, 20_000)


@given(predictions, histories, moments, st.data())
def test_time_left_is_ascending_and_never_negative(predicted, runs, elapsed, data):
    """
    Whatever is known, quantiles ascend from zero and the share done is a share.
    """
    progress = Progress(elapsed_s=elapsed, jobs=data.draw(jobs_by(elapsed)))
    left = remaining(predicted, runs, progress)

    assert 0 <= left.p10_s <= left.p50_s <= left.p90_s < np.inf
    assert 0 <= left.share_done <= 1


@given(predictions, histories, moments, st.floats(0, 20_000), st.data())
def test_without_news_the_expected_total_never_shrinks(predicted, runs, elapsed, more, data):
    """
    The longer nothing is heard of a build, the later it is expected to end.
    """
    jobs = data.draw(jobs_by(elapsed))
    before = remaining(predicted, runs, Progress(elapsed_s=elapsed, jobs=jobs))
    after = remaining(predicted, runs, Progress(elapsed_s=elapsed + more, jobs=jobs))

    for name in ("p10_s", "p50_s", "p90_s"):
        was, became = elapsed + getattr(before, name), elapsed + more + getattr(after, name)
        assert became >= was * (1 - 1e-9) - 1e-6


@given(predictions, histories.filter(bool), st.floats(1, 20_000), st.data())
def test_a_job_that_ends_adds_no_time(predicted, runs, elapsed, data):
    """
    When the job that runs ends, as expected or not, the time left does not jump up.
    """
    drawn = data.draw(jobs_by(elapsed))
    jobs = tuple(job for job in drawn if job.state != "running")
    start = data.draw(st.floats(0, elapsed))
    name = data.draw(st.sampled_from(sorted({*NAMES, "new"} - {job.name for job in jobs})))
    news = (*jobs, JobProgress(name=name, state="ended", start_s=start, end_s=elapsed))
    jobs = (*jobs, JobProgress(name=name, state="running", start_s=start))
    before = remaining(predicted, runs, Progress(elapsed_s=elapsed, jobs=jobs))
    after = remaining(predicted, runs, Progress(elapsed_s=elapsed, jobs=news))

    assert after.p50_s <= before.p50_s * (1 + 1e-9) + 1e-6


def two_stages(build_s=100.0, deploy_s=50.0):
    """A build, then after 5 seconds a deployment."""
    ends = build_s + 5 + deploy_s
    return PastRun(
        duration_s=ends,
        jobs=(
            JobSpan(name="build", start_s=0.0, end_s=build_s),
            JobSpan(name="deploy", start_s=build_s + 5, end_s=ends),
        ),
    )


def told(name, start_s, end_s=None):
    state = "running" if end_s is None else "ended"
    return JobProgress(name=name, state=state, start_s=start_s, end_s=end_s)


TWO_STAGES = {
    "nothing told": (40, (), 115, "deploy"),
    "first job runs": (40, (told("build", 0),), 115, "deploy"),
    "first job ended early": (40, (told("build", 0, 40),), 55, "deploy"),
    "first job is late": (120, (told("build", 0),), 62, "deploy"),
    "second job waits": (103, (told("build", 0, 100),), 52, "deploy"),
    "second job runs": (110, (told("build", 0, 100), told("deploy", 102)), 42, "deploy"),
    "second job left out": (100, (told("build", 0, 100), told("deploy", 100, 100)), 0, ""),
    "all is done, yet it runs": (200, (told("build", 0, 90), told("deploy", 90, 100)), 40, ""),
    "a job never seen runs": (
        100,
        (told("build", 0, 40), told("deploy", 40, 40), told("new", 40)),
        24.9,
        "new",
    ),
}


@pytest.mark.parametrize(
    ("elapsed", "jobs", "left", "waits_for"), TWO_STAGES.values(), ids=TWO_STAGES
)
def test_two_stages(elapsed, jobs, left, waits_for):
    """
    A pipeline that always takes 100 s and then 50 s ends when its jobs say so.
    """
    found = remaining((154, 155, 156), [two_stages()] * 9, Progress(elapsed_s=elapsed, jobs=jobs))

    assert pytest.approx(left, abs=3) == found.p50_s
    assert found.waits_for == waits_for
    assert found.similar_builds == 9


def test_a_build_goes_on_like_those_with_its_jobs():
    """
    Once tests run and no compiling was told of, builds that only ran tests show the way.
    """
    whole = PastRun(
        duration_s=1_000.0,
        jobs=(
            JobSpan(name="lint", start_s=0, end_s=50),
            JobSpan(name="compile", start_s=1, end_s=400),
            JobSpan(name="test", start_s=405, end_s=1_000),
        ),
    )
    docs = PastRun(duration_s=60.0, jobs=(JobSpan(name="lint", start_s=0, end_s=60),) * 1)
    runs = [whole] * 12 + [docs] * 3
    lint = told("lint", 0)
    known = remaining((900, 1_000, 1_100), runs, Progress(elapsed_s=30, jobs=(lint,)))
    waits = JobProgress(name="compile", state="queued")
    out = JobProgress(name="compile", state="left_out")
    both = (JobProgress(name="test", state="left_out"), out, lint)

    assert known.waits_for == "test"
    expected = remaining((900, 1_000, 1_100), runs, Progress(elapsed_s=30, jobs=(lint, waits)))
    assert expected.p50_s > 900
    ended = Progress(elapsed_s=30, jobs=both)
    assert remaining((900, 1_000, 1_100), runs, ended).p50_s < 40


LEFT_OUT = {
    "nothing told": ((), set()),
    "the first runs": ((told("lint", 0),), set()),
    "the second runs": ((told("compile", 0),), {"lint"}),
    "the third runs": ((told("test", 9),), {"lint", "compile"}),
    "the second waits": ((JobProgress(name="compile", state="queued"), told("test", 9)), {"lint"}),
    "the second was skipped": ((JobProgress(name="compile", state="left_out"),), set()),
}


@pytest.mark.parametrize(("jobs", "names"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_a_job_is_left_out_once_a_later_one_has_started(jobs, names):
    """
    A job nobody told of, though one that starts after it runs, is not waited for.
    """
    spans = [
        JobSpan(name=n, start_s=s, end_s=99) for s, n in enumerate(("lint", "compile", "test"))
    ]

    assert left_out(spans, Progress(elapsed_s=10, jobs=jobs)) == names


def test_a_late_build_is_called_late_and_keeps_its_hope():
    """
    Beyond everything seen the time left grows with the time taken, and the answer says so.
    """
    runs = [two_stages()] * 9
    late = remaining((150, 155, 160), runs, Progress(elapsed_s=1_000))
    later = remaining((150, 155, 160), runs, Progress(elapsed_s=10_000))

    assert late.late
    assert not remaining((150, 155, 160), runs, Progress(elapsed_s=159)).late
    assert 0 < late.p10_s < late.p50_s < late.p90_s
    assert pytest.approx(10 * late.p50_s) == later.p50_s


def test_recent_builds_correct_a_prediction_that_lags():
    """
    After half an hour, builds that took an hour lately count, and a prediction of 60 s no longer.
    """
    runs = [PastRun(duration_s=3_600.0 + n, jobs=()) for n in range(9)]

    left = remaining((50, 60, 70), runs, Progress(elapsed_s=1_800))

    assert pytest.approx(1_804, abs=5) == left.p50_s


def test_without_history_the_prediction_alone_is_conditioned():
    """
    With no recent build, the median at the start is the predicted one.
    """
    left = remaining((100, 200, 300), [], Progress(elapsed_s=0.0))

    assert pytest.approx(200, rel=0.02) == left.p50_s
    assert (left.waits_for, left.jobs_expected, left.share_done) == ("", 0, 0)


@given(predictions)
def test_levels_have_the_predicted_quantiles(predicted):
    """
    The levels ascend, and their middle is the predicted median.
    """
    levels = levels_of(np.array(predicted))

    assert levels == sorted(levels)
    assert pytest.approx(max(predicted[1], 1.0)) == levels[len(levels) // 2]


@given(
    st.lists(st.tuples(seconds, st.floats(0.01, 10)), min_size=1, max_size=20),
    st.floats(0.01, 0.99),
)
def test_a_weighted_quantile_splits_the_weight(pairs, level):
    """
    At most the level lies strictly below it, at least the level at or below it.
    """
    values, weights = np.array(pairs).T
    found = weighted_quantile(values, weights, level)
    total = weights.sum()

    assert weights[values < found].sum() <= level * total + 1e-6
    assert weights[values <= found].sum() >= level * total - 1e-6


def test_a_course_stretches_with_its_total():
    """
    A course twice as long has jobs twice as long.
    """
    course = Course.like(two_stages(), total_s=310.0)

    assert [(job.start_s, job.end_s) for job in course.jobs] == [(0, 200), (210, 310)]
