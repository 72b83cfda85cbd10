import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from devmind.errors import AlreadyRunning, JobEnded, NotDue, NotFound
from history.database import open_database
from history.jobs import LEASE_S, QUEUED_LEASE_S, JobStore, TrainingJob
from history.open import open_jobs
from tests.history import processes
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

    lease_until = NOON + timedelta(seconds=QUEUED_LEASE_S)
    assert replace(job(), lease_until=lease_until) == jobs.get("job-1")


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

    expected = replace(
        job(),
        state="running",
        stage="replay",
        progress=1.0,
        updated_at=later,
        lease_until=updated.lease_until,
    )
    assert updated.lease_until > later
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


def test_a_lease_that_is_over_stands_in_nobodys_way(jobs):
    """
    A running job that has not renewed its lease is recorded as failed, with the reason, by the next
    one; while the lease lasts the next one is refused.
    """
    jobs.create(job())
    jobs.take("job-1", "me", now=after(100))

    with pytest.raises(AlreadyRunning):
        jobs.create(job("job-2", at_s=100 + LEASE_S))
    jobs.create(job("job-2", at_s=101 + LEASE_S))

    assert jobs.get("job-1").state == "failed"
    assert "not heard of for 76 s" in jobs.get("job-1").detail


def test_a_heartbeat_renews_the_lease(jobs):
    """
    A job that says that it lives is not given up, however long it runs.
    """
    jobs.create(job())
    jobs.take("job-1", "me", now=after(0))
    for beat in range(1, 20):
        jobs.update("job-1", now=after(60 * beat), holder="me")
        jobs.give_up_silent(now=after(60 * beat + 59))

    assert jobs.get("job-1").state == "running"


def test_a_slow_holder_finds_its_job_given_up(jobs):
    """
    A holder that comes back after its job was given up changes nothing, and is told so.
    """
    jobs.create(job())
    jobs.take("job-1", "slow", now=after(0))
    jobs.create(job("job-2", at_s=500))
    jobs.take("job-2", "next", now=after(500))

    back = jobs.update("job-1", now=after(501), state="succeeded", holder="slow")
    stranger = jobs.update("job-2", now=after(502), stage="mine", holder="slow")

    assert back.state == "failed"
    assert (stranger.holder, stranger.stage) == ("next", "")
    with pytest.raises(JobEnded, match="failed"):
        jobs.take("job-1", "slow", now=after(503))
    with pytest.raises(JobEnded, match="another process"):
        jobs.take("job-2", "slow", now=after(503))


@pytest.mark.parametrize(
    ("cluster", "said"),
    [("new", "the cluster was restarted"), ("old", "not heard of"), ("", "not heard of")],
)
def test_the_reason_names_a_restarted_cluster(jobs, cluster, said):
    """
    A job that went down with an earlier cluster says so; on the same one it was only silent.
    """
    jobs.create(job())
    jobs.take("job-1", "me", now=after(0), cluster="old")

    jobs.give_up_silent(now=after(100), cluster=cluster)

    assert said in jobs.get("job-1").detail
    assert jobs.get("job-1").state == "failed"


def test_a_job_that_no_process_takes_is_given_up_later(jobs):
    """
    A queued job may wait for longer than a running one may be silent.
    """
    jobs.create(job())
    jobs.give_up_silent(now=after(QUEUED_LEASE_S))
    waits = jobs.get("job-1")
    jobs.give_up_silent(now=after(QUEUED_LEASE_S + 1))

    assert waits.state == "queued"
    assert "no process took it" in jobs.get("job-1").detail


@pytest.mark.parametrize(("hours", "made"), [(0, False), (19.1, False), (19.2, True), (24, True)])
def test_a_late_tick_makes_no_job(jobs, hours, made):
    """
    A scheduled job is refused until four fifths of the interval have passed since the last one.
    """
    jobs.create(job())
    jobs.update("job-1", now=NOON, state="succeeded")

    second = job("job-2", at_s=hours * 3600)
    if made:
        jobs.create(second, every=timedelta(hours=24))
    else:
        with pytest.raises(NotDue, match="job-1"):
            jobs.create(second, every=timedelta(hours=24))

    assert len(jobs.list()) == 1 + made


@pytest.mark.parametrize(
    ("ends", "made"),
    [
        (["failed"], True),
        (["failed", "failed"], False),
        (["cancelled"], False),
        (["failed", "succeeded"], False),
    ],
)
def test_a_failed_job_of_a_schedule_is_tried_once_more(jobs, ends, made):
    """
    Who starts a schedule's job again after a failure trains; a second failure ends it for the day.
    """
    for number, state in enumerate(ends):
        jobs.create(job(f"job-{number}", at_s=number))
        jobs.update(f"job-{number}", now=NOON, state=state)

    again = job("again", at_s=600)
    if made:
        jobs.create(again, every=timedelta(hours=24))
    else:
        with pytest.raises(NotDue, match=f"job-{len(ends) - 1}"):
            jobs.create(again, every=timedelta(hours=24))

    assert len(jobs.list()) == len(ends) + made


def test_each_end_is_counted_once(jobs):
    """
    Of many replicas that ask which jobs have ended, one is given each.
    """
    for number in range(3):
        jobs.create(job(f"job-{number}", at_s=number))
        jobs.update(f"job-{number}", now=NOON, state="failed")
    jobs.create(job("job-3"))

    with ThreadPoolExecutor(6) as threads:
        given = list(threads.map(lambda _: jobs.claim_ended(), range(6)))

    assert sorted(one.job_id for some in given for one in some) == ["job-0", "job-1", "job-2"]
    assert jobs.claim_ended() == []


def test_the_lock_of_a_killed_process_is_free_when_its_lease_is_over(database_url):
    """
    A holder killed in the middle keeps the lock for its lease and no longer; its end is recorded.
    """
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    holder = processes.start(processes.hold_job, database_url, "job-1", 1.0, theirs)
    assert ours.recv() == "held"
    store = JobStore(open_database(database_url), lease_s=1.0)
    with closing(store):
        time.sleep(1.5)
        with pytest.raises(AlreadyRunning):
            store.create(started_now("job-2"))
        holder.kill()
        holder.join()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with suppress(AlreadyRunning):
                store.create(started_now("job-2"))
                break
            time.sleep(0.2)

        assert store.get("job-1").state == "failed"
        assert "not heard of" in store.get("job-1").detail
        assert store.get("job-2").state == "queued"


def started_now(job_id):
    at = datetime.now(UTC)
    return TrainingJob(job_id=job_id, model="build_optimizer", created_at=at, updated_at=at)


def after(seconds):
    return NOON + timedelta(seconds=seconds)


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
