"""What is remembered of the jobs of recent builds."""

from datetime import timedelta

from devmind.ci import BuildStatus, Job
from features.build_state import BuildState
from features.pipeline_jobs import BUILDS, JOBS, JobBook, JobSpan, Progress
from tests.factories import finished, queued, stored
from tests.features.asking import fold


def built(number, *, status="passed", jobs=("unit",), pipeline="ci.yml"):
    """A build whose n-th job runs from 10 n to 10 n + 60 seconds, after half a minute's wait."""
    build = queued(str(number), at_s=3_600 * number, pipeline=pipeline)
    start = build.queued_at + timedelta(seconds=30)
    spans = tuple(
        Job(
            name=name,
            status=BuildStatus.PASSED,
            started_at=start + timedelta(seconds=10 * place),
            finished_at=start + timedelta(seconds=10 * place + 60),
        )
        for place, name in enumerate(jobs)
    )
    return finished(build, status=status, jobs=(*spans, Job(name="x", status=BuildStatus.SKIPPED)))


def test_jobs_are_remembered_from_the_first_start_on():
    """
    Offsets count from the first job's start; a job that never started is left out.
    """
    state = fold(BuildState(), stored([built(1, jobs=("unit", "lint"))]))

    (run,) = state.jobs.read("ci.yml")
    assert run.duration_s == 70
    assert run.jobs == (
        JobSpan(name="unit", start_s=0, end_s=60),
        JobSpan(name="lint", start_s=10, end_s=70),
    )


def test_only_passed_builds_of_the_pipeline_count():
    """
    Failed builds end early, and other pipelines are others.
    """
    builds = [built(1, status="failed"), built(2, status="canceled"), built(3, pipeline="docs")]

    assert fold(BuildState(), stored(builds)).jobs.read("ci.yml") == ()


def test_memory_is_bounded():
    """
    The newest builds stay, newest first, and of a build the jobs that end last.
    """
    many = built(0, jobs=tuple(f"job {n:03d}" for n in range(JOBS + 9)))
    runs = fold(BuildState(), stored([many, *(built(n) for n in range(1, BUILDS))])).jobs
    assert len(runs.read("ci.yml")) == BUILDS
    assert [job.name for job in runs.read("ci.yml")[-1].jobs] == [
        f"job {n:03d}" for n in range(9, JOBS + 9)
    ]
    more = fold(BuildState(), stored([many, *(built(n) for n in range(1, BUILDS + 5))])).jobs
    assert {len(run.jobs) for run in more.read("ci.yml")} == {1}


def test_freezing_forgets_no_job():
    """
    A book thawed from a frozen one reads the same.
    """
    book = fold(BuildState(), stored([built(n, jobs=("unit", "lint")) for n in range(3)])).jobs
    other = JobBook()
    other.thaw(book.freeze())

    assert other.read("ci.yml") == book.read("ci.yml") != ()


def test_what_is_known_while_running_is_no_column():
    """
    Progress is known at `running`; every column of a row is known when the build is queued.
    """
    assert Progress.known_at == "running"
    assert set(BuildState.known_at.values()) == {"queued"}
