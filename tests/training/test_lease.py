"""A job's progress, its log and its patience, with a clock and a registry that obey the test."""

import errno
import json
import signal
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from devmind.errors import (
    HistoryUnavailable,
    ModelUnavailable,
    NotEnoughHistory,
    UnlearnableHistory,
)
from history.jobs import RESTARTED, TrainingJob
from history.open import open_jobs
from tests.training.test_promote import Shelf, put, trained
from training.endings import TOLD, Told, end_main_thread, ending, heed_signals
from training.job_log import JobLog
from training.patience import PatientVersions
from training.progress import Held, JobCancelled, JobProgress, LeaseLost
from training.promote import register_kept
from training.scratch import keep, scratch

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HELD = Held(job_id="job-1", holder="me", model="build-optimizer")


@pytest.fixture(name="jobs")
def _jobs(tmp_path):
    store = open_jobs(f"sqlite:///{tmp_path / 'jobs.db'}")
    job = TrainingJob(job_id="job-1", model="build_optimizer", created_at=NOW, updated_at=NOW)
    store.create(job)
    yield store
    store.close()


def begun(jobs, **more):
    log = JobLog(jobs.logs, "job-1")
    console = Console(quiet=True)
    return JobProgress(jobs, HELD, log=log, console=console, now=lambda: NOW, **more)


def test_a_running_job_says_where_it_is(jobs):
    """
    Stages, the end and its reason stand in the store, and line by line in the log.
    """
    with begun(jobs) as progress:
        progress.stage("fitting")
        fitting = jobs.get("job-1")
        progress.features(1, 2)
        progress.end("succeeded", "version 3")

    lines = [json.loads(line) for line in jobs.logs.read("job-1").text.splitlines()]
    assert (fitting.state, fitting.stage, fitting.holder) == ("running", "fitting", "me")
    assert (jobs.get("job-1").state, jobs.get("job-1").detail) == ("succeeded", "version 3")
    assert [line.get("stage", line.get("state")) for line in lines] == [
        "fitting",
        "features 1/2 slices",
        "succeeded",
    ]


def test_why_a_job_was_asked_for_outlives_its_end(jobs):
    """
    The reason of a retraining stands behind what came of it.
    """
    jobs.update("job-1", now=NOW, detail="rolling error 1.41 of what was promised")
    with begun(jobs) as progress:
        progress.end("succeeded", "version 3")

    assert jobs.get("job-1").detail == (
        "version 3 (asked for: rolling error 1.41 of what was promised)"
    )


@pytest.mark.parametrize(("state", "told"), [("cancelled", JobCancelled), ("failed", LeaseLost)])
def test_a_job_that_is_no_longer_ours_stops(jobs, state, told):
    """
    At the next stage, and before anything others would see, a job that was ended elsewhere stops.
    """
    with begun(jobs) as progress:
        jobs.update("job-1", now=NOW, state=state, detail="by ops")
        with pytest.raises(told, match="by ops"):
            progress.stage("fitting")
        with pytest.raises(told, match="by ops"):
            progress.check()


def test_a_heartbeat_ends_what_is_under_way(jobs):
    """
    Between two stages the heartbeat notices a cancellation and interrupts the work.
    """
    interrupted = threading.Event()
    with begun(jobs, heartbeat_s=0.02, interrupt=interrupted.set) as progress:
        jobs.update("job-1", now=NOW, state="cancelled", detail="by ops")

        assert interrupted.wait(30)
    assert isinstance(progress.lost, JobCancelled)


def test_a_history_that_is_away_stops_no_training(jobs, monkeypatch):
    """
    Progress may be lost while the database is away; the work and the log go on after it.
    """
    with begun(jobs) as progress:
        with monkeypatch.context() as away:
            away.setattr(jobs, "update", _away)
            away.setattr(jobs.logs, "append", _away)
            progress.stage("fitting")
        progress.stage("scoring")
    text = jobs.logs.read("job-1").text

    assert jobs.get("job-1").stage == "scoring"
    assert "fitting" in text
    assert "scoring" in text


def _away(*_arguments, **_named):
    raise HistoryUnavailable("away")


def test_no_secret_is_in_a_log(jobs):
    """
    Addresses lose their credentials, and a traceback is not kept.
    """
    log = JobLog(jobs.logs, "job-1")
    log.line(NOW, detail="at postgresql://ann:hunter2@db/x and https://tok3n@host")
    log.event({"event": "failed", "exc_info": ValueError("hunter2"), "exception": "hunter2"})
    log.flush()
    text = jobs.logs.read("job-1").text

    assert "hunter2" not in text
    assert "tok3n" not in text
    assert "postgresql://***@db/x" in text


def test_sigterm_is_heard_wherever_the_main_thread_is():
    """
    A process that is told to end raises it in its main thread, even while that sleeps.
    """
    before = signal.getsignal(signal.SIGTERM)
    heed_signals()
    try:
        threading.Timer(0.05, end_main_thread).start()
        with pytest.raises(Told):
            time.sleep(60)
    finally:
        signal.signal(signal.SIGTERM, before)


class RayTaskError(Exception):
    """As Ray raises it: the worker's own error is the cause."""

    cause = NotEnoughHistory("builds", 3, 100)


class RaySystemError(Exception):
    """As Ray raises it when its cluster has gone."""


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("error", "state", "said", "code"),
    [
        (JobCancelled("cancelled by ops"), "cancelled", "cancelled by ops", 1),
        (LeaseLost("given up"), "failed", "given up", 1),
        (KeyboardInterrupt(), "cancelled", "interrupted", 1),
        (Told(), "failed", TOLD, 1),
        (SystemExit(15), "failed", TOLD, 1),
        (NotEnoughHistory("builds", 3, 100), "failed", "Need at least 100", 2),
        (RayTaskError("trace"), "failed", "Need at least 100", 2),
        (ModelUnavailable("m", "away"), "failed", "away", 1),
        (FULL, "failed", "No space left in", 1),
        (RaySystemError("gone"), "failed", RESTARTED, 1),
        (ValueError("first\nlast"), "failed", "ValueError: last", 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_every_end_has_a_state_a_reason_and_a_code(tmp_path, error, state, said, code):
    """
    However a job ends, people are told why, and the exit code says whether trying again may help.
    """
    end = ending(error, tmp_path)

    assert (end.state, end.exit_code) == (state, code)
    assert said in end.detail


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (NotEnoughHistory("builds", 3, 100), "skipped", 0),
        (UnlearnableHistory("m", "every build passed"), "failed", 2),
        (RayTaskError("trace"), "skipped", 0),
        (ModelUnavailable("m", "away"), "failed", 1),
        (ValueError("last"), "failed", 1),
    ],
)
def test_a_schedule_that_finds_too_little_is_no_failure(tmp_path, error, state, code):
    """
    A young team's nights are quiet: only what somebody has to mend fails a scheduled job.
    """
    end = ending(error, tmp_path, scheduled=True)

    assert (end.state, end.exit_code) == (state, code)


def test_a_full_disk_is_seen_behind_other_errors(tmp_path):
    """
    A library that hides the full disk behind an error of its own hides it from nobody.
    """
    error = RuntimeError("failed writing file")
    error.__cause__ = FULL

    assert str(tmp_path) in ending(error, tmp_path).detail


class Flickering(Shelf):
    """A registry that is away for the first tries, and once loses its answer."""

    def __init__(self, *, away, loses_answer=False):
        super().__init__()
        self.away, self.loses_answer = away, loses_answer

    def champion(self, model):
        self._flicker()
        return super().champion(model)

    def register(self, model, bundle_folder, scorecard, *, decision=None):
        self._flicker()
        version = super().register(model, bundle_folder, scorecard, decision=decision)
        if self.loses_answer:
            self.loses_answer = False
            raise ModelUnavailable(model, "the answer was lost")
        return version

    def _flicker(self):
        if self.away > 0:
            self.away -= 1
            raise ModelUnavailable("failure_predictor", "away")


@pytest.mark.parametrize("loses_answer", [False, True])
def test_a_registry_that_comes_back_is_waited_for(tmp_path, loses_answer):
    """
    Registration is tried until the registry answers, and leaves one version, never two.
    """
    shelf, waits = Flickering(away=3, loses_answer=loses_answer), []
    patient = PatientVersions(shelf, patience_s=600, check=lambda: None, sleep=waits.append)

    outcome = put(patient, trained(0.8), tmp_path)

    assert (outcome.version, shelf.crowned, len(shelf.cards)) == ("1", "1", 1)
    assert waits[:3] == [1.0, 2.0, 4.0]


def test_patience_has_an_end(tmp_path):
    """
    A registry that stays away is given up when the patience is used up.
    """
    waits = []
    patient = PatientVersions(
        Flickering(away=10**6), patience_s=100, check=lambda: None, sleep=waits.append
    )

    with pytest.raises(ModelUnavailable, match="away"):
        put(patient, trained(0.8), tmp_path)
    assert 90 < sum(waits) <= 100


def test_a_cancelled_job_stops_waiting(tmp_path):
    """
    While it waits for the registry, a job that is cancelled stops, and registers nothing.
    """
    shelf = Flickering(away=10**6)
    tries = iter(range(3))

    def check():
        if next(tries, None) is None:
            raise JobCancelled("by ops")

    patient = PatientVersions(shelf, patience_s=10**6, check=check, sleep=lambda _: None)
    with pytest.raises(JobCancelled):
        put(patient, trained(0.8), tmp_path)
    assert shelf.cards == {}


def test_a_job_that_lost_its_lease_promotes_nothing(tmp_path):
    """
    The lease is checked again between registering and promoting.
    """
    shelf, checks = Shelf(), iter([None, LeaseLost("given up")])

    def check():
        if (lost := next(checks)) is not None:
            raise lost

    with pytest.raises(LeaseLost):
        put(shelf, trained(0.8), tmp_path, check=check)
    assert (list(shelf.cards), shelf.crowned) == (["1"], None)


def test_a_kept_bundle_is_registered_later_and_once(tmp_path):
    """
    What was kept because the registry was away is registered by its folder; twice is once.
    """
    put(Shelf(), trained(0.8), tmp_path / "scratch")
    kept, shelf = keep(tmp_path / "scratch", tmp_path / "unregistered" / "job-1"), Shelf()

    first, second = (register_kept(shelf, kept) for _ in range(2))

    assert first == second == ("failure_predictor", "1")
    assert shelf.crowned is None


def test_scratch_of_killed_jobs_is_swept(tmp_path, jobs):
    """
    A job's scratch ends with it; what a killed one left goes with the next, what runs stays.
    """
    at = NOW + timedelta(seconds=1)
    second = TrainingJob(job_id="job-2", model="test_intelligence", created_at=at, updated_at=at)
    jobs.create(second)
    jobs.update("job-2", now=NOW, state="failed")
    for name in ("job-1~x", "job-2~x", "mine"):
        (tmp_path / "training" / name).mkdir(parents=True)

    with scratch(tmp_path / "training", "job-3", jobs) as folder:
        there = {path.name for path in folder.parent.iterdir()}

    assert there == {"job-1~x", "mine", folder.name}
    assert not folder.exists()
