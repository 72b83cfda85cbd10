"""Training jobs that are started, followed, cancelled, scheduled, and end one way or another."""

from datetime import timedelta

import pytest

from deployments.job_metrics import JobMetrics
from deployments.training_jobs import TrainingJobs, Wanted
from devmind.errors import AlreadyRunning, JobEnded, NotDue, NotFound, ServiceUnreachable
from history.jobs import LEASE_S, QUEUED_LEASE_S, RESTARTED
from history.open import open_jobs
from models.names import MODELS
from tests.deployments.fakes import NOW, Instruments

MODEL, PATH = "build_optimizer", "build-optimizer"
PROMOTE = Wanted(promote_if_better=True)


class Cluster:
    """A cluster that takes jobs, refuses them, loses one, or is another one by now."""

    def __init__(self):
        self.started, self.stopped = [], []
        self.refuses = False
        self.lost, self.waiting = {}, set()
        self.head = "head-1"

    def start(self, job_id, arguments):
        self._answer()
        self.started.append((job_id, arguments))

    def stop(self, job_id):
        self._answer()
        self.stopped.append(job_id)

    def ended(self, job_id):
        return self.lost.get(job_id)

    def waits(self, job_id):
        return job_id in self.waiting

    def cluster(self):
        return self.head

    def _answer(self):
        if self.refuses:
            raise ServiceUnreachable("the cluster's job API", "ConnectionError")


class Clock:
    """A time that passes when told to."""

    def __init__(self):
        self.at = NOW

    def __call__(self):
        return self.at

    def passes(self, seconds):
        self.at += timedelta(seconds=seconds)


@pytest.fixture(name="cluster")
def _cluster():
    return Cluster()


@pytest.fixture(name="clock")
def _clock():
    return Clock()


@pytest.fixture(name="store")
def _store(tmp_path):
    store = open_jobs(f"sqlite:///{tmp_path / 'jobs.db'}")
    yield store
    store.close()


@pytest.fixture(name="make")
def _make(store, cluster, clock):
    ids = iter(range(1, 1000))

    def make(**more):
        return TrainingJobs(
            jobs=store,
            runner=cluster,
            now=clock,
            new_id=lambda model: f"{model}-{next(ids)}",
            **more,
        )

    return make


@pytest.fixture(name="jobs")
def _jobs(make):
    return make()


def test_a_job_is_started_once_a_model(jobs, cluster):
    """
    The job is remembered and started with its id; a second one is refused while it runs.
    """
    wanted = Wanted(promote_if_better=True, search_minutes=30.0, shadow_builds=200)
    job = jobs.start(PATH, wanted)

    assert (job.state, job.model) == ("queued", PATH)
    options = ("--promote-if-better", "--search", "30", "--shadow", "200")
    assert cluster.started == [(job.job_id, (MODEL, "--job-id", job.job_id, *options))]
    with pytest.raises(AlreadyRunning, match=job.job_id):
        jobs.start(PATH, PROMOTE)
    assert [found.job_id for found in jobs.list(None)] == [job.job_id]


@pytest.mark.parametrize("call", ["start", "list"])
def test_an_unknown_model_is_not_found(jobs, call):
    """
    A model that does not exist is named, with those that do.
    """
    calls = {"start": lambda: jobs.start("x", PROMOTE), "list": lambda: jobs.list("x")}
    with pytest.raises(NotFound, match="test-intelligence"):
        calls[call]()


def test_a_job_the_cluster_does_not_take_is_failed(jobs, cluster):
    """
    The refusal is the caller's answer, and the model is free for the next job.
    """
    cluster.refuses = True
    with pytest.raises(ServiceUnreachable):
        jobs.start(PATH, PROMOTE)
    cluster.refuses = False

    assert [job.state for job in jobs.list(PATH)] == ["failed"]
    assert jobs.start(PATH, PROMOTE).state == "queued"


def test_a_job_that_died_without_a_word_is_failed(jobs, cluster):
    """
    When only the cluster knows that a job's process is gone, asking for the job finds out.
    """
    job = jobs.start(PATH, PROMOTE)
    cluster.lost[job.job_id] = "Its process ended: failed."

    found = jobs.get(job.job_id)

    assert (found.state, found.detail) == ("failed", "Its process ended: failed.")


def test_a_restarted_cluster_is_the_reason_and_the_lock_is_free(jobs, store, cluster, clock):
    """
    A job whose cluster was restarted is failed with that reason, and the next one may start.
    """
    job = jobs.start(PATH, PROMOTE)
    store.take(job.job_id, "me", now=clock())
    cluster.head = "head-2"
    clock.passes(LEASE_S + 1)

    found = jobs.get(job.job_id)

    assert (found.state, found.detail) == ("failed", RESTARTED)
    assert jobs.start(PATH, PROMOTE).state == "queued"


def test_a_queued_job_is_waited_for_while_the_cluster_has_it(jobs, cluster, clock):
    """
    A full cluster may let a job wait for as long as it likes; one it has lost is given up.
    """
    job = jobs.start(PATH, PROMOTE)
    cluster.waiting.add(job.job_id)
    for _ in range(5):
        clock.passes(QUEUED_LEASE_S - 1)
        jobs.tick()
    waited = jobs.get(job.job_id).state
    cluster.waiting.clear()
    clock.passes(QUEUED_LEASE_S + 1)

    assert waited == "queued"
    assert jobs.get(job.job_id).state == "failed"


@pytest.mark.parametrize("state", ["queued", "running", "on a cluster that does not answer"])
def test_a_cancelled_job_stays_cancelled(jobs, store, cluster, state):
    """
    Cancelling changes the state at once, whether the cluster answers or not; twice is once.
    """
    job = jobs.start(PATH, PROMOTE)
    if state == "running":
        store.take(job.job_id, "me", now=NOW)
    cluster.refuses = state.endswith("answer")
    first, second = (jobs.cancel(job.job_id, by="ops") for _ in range(2))
    cluster.refuses = False
    late = store.update(job.job_id, now=NOW, state="succeeded", holder="me")

    assert (first.state, first.detail) == ("cancelled", "cancelled by ops")
    assert second == first
    assert late.state == "cancelled"
    assert (job.job_id in cluster.stopped) == (state in ("queued", "running"))
    assert jobs.start(PATH, PROMOTE).state == "queued"


def test_an_ended_job_is_not_cancelled(jobs, store, clock):
    """
    Cancelling what has ended says how it ended; cancelling nothing says that there is none.
    """
    job = jobs.start(PATH, PROMOTE)
    store.update(job.job_id, now=clock(), state="succeeded")

    with pytest.raises(JobEnded, match="succeeded"):
        jobs.cancel(job.job_id, by="ops")
    with pytest.raises(NotFound):
        jobs.cancel("nothing", by="ops")


def test_a_log_is_followed_by_offsets(jobs, store):
    """
    A log may still grow while its job runs, and is read on from where the last page ended.
    """
    job = jobs.start(PATH, PROMOTE)
    store.logs.append(job.job_id, "one\n")
    first = jobs.logs(job.job_id, 0)
    store.logs.append(job.job_id, "two\n")
    jobs.cancel(job.job_id, by="ops")
    last = jobs.logs(job.job_id, first.next_offset)

    assert (first.text, first.more) == ("one\n", True)
    assert (last.text, last.more) == ("two\n", False)
    with pytest.raises(NotFound):
        jobs.logs("nothing", 0)


def test_a_schedule_starts_what_is_due_once(make, cluster, store, clock):
    """
    However many replicas tick, a schedule starts one job a model and interval.
    """
    replicas = [make(every=timedelta(hours=24)) for _ in range(3)]
    for _ in range(4):
        for replica in replicas:
            replica.tick()
    first = [job.model for job in store.list()]
    for job in store.list():
        store.update(job.job_id, now=clock(), state="succeeded")
    clock.passes(23 * 3600)
    for replica in replicas:
        replica.tick()

    assert sorted(first) == sorted(MODELS)
    assert len(cluster.started) == 2 * len(MODELS)
    assert {arguments[-3:] for _, arguments in cluster.started} == {
        ("--scheduled", "--every", "24")
    }


def test_a_tick_of_a_schedule_that_is_late_is_refused(jobs, store, clock):
    """
    A tick soon after another job of the model is no job.
    """
    job = jobs.start(PATH, PROMOTE)
    store.update(job.job_id, now=clock(), state="succeeded")
    clock.passes(3600)

    with pytest.raises(NotDue, match=job.job_id):
        jobs.start(PATH, PROMOTE, every=timedelta(hours=24))


def test_ends_are_counted_once_and_what_runs_is_shown(make, store, clock):
    """
    Each end is counted by one replica; every replica shows what runs and the last success.
    """
    instruments = [Instruments(), Instruments()]
    replicas = [make(metrics=JobMetrics(each)) for each in instruments]
    done = replicas[0].start(PATH, PROMOTE)
    store.update(done.job_id, now=clock(), state="succeeded")
    clock.passes(60)
    runs = replicas[0].start(PATH, PROMOTE)
    store.take(runs.job_id, "me", now=clock())
    for replica in replicas * 2:
        replica.tick()

    model = ("model", MODEL)
    ended = ("devmind_training_jobs_total", (model, ("state", "succeeded")))
    assert sum(each.values.get(ended, 0) for each in instruments) == 1
    for each in instruments:
        assert each.values["devmind_training_running", (model,)] == 1
        last = each.values["devmind_training_last_success_timestamp_seconds", (model,)]
        assert last == NOW.timestamp()
