from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from devmind.errors import AlreadyRunning, NotFound
from history.jobs import TrainingJob
from history.open import open_jobs
from tests.history.builders import NOON


@pytest.fixture(name="jobs")
def _jobs(database_url):
    store = open_jobs(database_url)
    yield store
    store.close()


def job(job_id="job-1", *, model="build_optimizer", at_s=0):
    at = NOON + timedelta(seconds=at_s)
    return TrainingJob(job_id=job_id, model=model, created_at=at, updated_at=at)


def test_job_comes_back(jobs):
    """
    A job is found by its id as it was created.
    """
    jobs.create(job())

    assert job() == jobs.get("job-1")


@pytest.mark.parametrize("unknown", ["nothing", "\0", "\ud800"])
def test_unknown_job_is_not_found(jobs, unknown):
    """
    Asking for, or updating, a job that does not exist says so.
    """
    with pytest.raises(NotFound):
        jobs.get(unknown)
    with pytest.raises(NotFound):
        jobs.update(unknown, now=NOON)


def test_update_changes_what_it_names(jobs):
    """
    An update changes what it names and keeps the rest.
    """
    jobs.create(job())
    later = NOON + timedelta(seconds=5)

    jobs.update("job-1", now=NOON, state="running", stage="replay", progress=0.25)
    updated = jobs.update("job-1", now=later, progress=7.0)

    expected = replace(job(), state="running", stage="replay", progress=1.0, updated_at=later)
    assert expected == updated == jobs.get("job-1")


def test_one_active_job_a_model(jobs):
    """
    While a model's job is queued or running a second one is refused; another model's is not.
    """
    jobs.create(job())
    jobs.update("job-1", now=NOON, state="running")

    with pytest.raises(AlreadyRunning, match="job-1"):
        jobs.create(job("job-2"))
    jobs.create(job("job-3", model="failure_predictor"))


@pytest.mark.parametrize("end", ["succeeded", "failed", "cancelled"])
def test_next_job_after_the_end(jobs, end):
    """
    When a job has ended the next may start, and the ended one stays as it ended.
    """
    jobs.create(job())
    jobs.update("job-1", now=NOON, state=end, detail="why")

    jobs.create(job("job-2", at_s=1))

    after = jobs.update("job-1", now=NOON, state="running", progress=0.5)
    assert (end, "why", 0.0) == (after.state, after.detail, after.progress)


def test_silent_job_is_given_up(jobs):
    """
    A job not heard of for the time limit no longer stands in the way, and says why it failed.
    """
    jobs.create(job())
    jobs.update("job-1", now=NOON + timedelta(seconds=100), state="running")

    with pytest.raises(AlreadyRunning):
        jobs.create(job("job-2", at_s=700))
    jobs.create(job("job-2", at_s=701))

    assert jobs.get("job-1").state == "failed"
    assert "600 s" in jobs.get("job-1").detail


def test_list_is_newest_first(jobs):
    """
    Jobs are listed newest first, of one model or of all, up to the limit.
    """
    for number in range(4):
        jobs.create(job(f"a{number}", at_s=number))
        jobs.update(f"a{number}", now=NOON, state="succeeded")
    jobs.create(job("b", model="failure_predictor", at_s=9))

    assert [found.job_id for found in jobs.list(limit=3)] == ["b", "a3", "a2"]
    assert [found.job_id for found in jobs.list("build_optimizer")] == ["a3", "a2", "a1", "a0"]


def test_only_one_of_many_wins(jobs):
    """
    Of many who create a job for one model at once exactly one succeeds.
    """

    def create(number):
        try:
            jobs.create(job(f"job-{number}"))
        except AlreadyRunning:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(create, range(8)))

    assert sum(won) == 1
    assert len(jobs.list()) == 1


def test_any_detail_is_kept(jobs):
    """
    A detail that carries what a database cannot hold is shortened and made harmless.
    """
    jobs.create(job())

    updated = jobs.update("job-1", now=NOON, detail="trace\0\ud800" + "x" * 30_000)

    assert updated.detail.startswith("trace\ufffd?xxx")
    assert len(updated.detail) == 20_000
