"""The command of a training job: what it takes, which codes it ends with; without a cluster."""

import errno
from contextlib import nullcontext
from datetime import UTC, datetime

import pytest
import typer

from devmind.errors import NotEnoughHistory
from history.jobs import TrainingJob
from history.open import open_jobs
from models.names import MODELS
from training import job
from training.promote import Outcome

DONE = Outcome(version="3", promoted=True, reasons=("better",))


@pytest.fixture(name="outcomes")
def _outcomes(monkeypatch, tmp_path):
    """What the jobs come to, by model; the cluster and the training are left out."""
    found = {}

    def run(order, _settings, progress, _folder):
        progress.stage("fitting")
        outcome = found.get(order.model, DONE)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    for name in ("DATABASE_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DEVMIND_HOME", str(tmp_path))
    monkeypatch.setattr(job, "cluster", lambda: nullcontext("head-1"))
    monkeypatch.setattr(job, "run", run)
    monkeypatch.setattr(job, "heed_signals", lambda: None)
    return found


def code(model, **options):
    with pytest.raises(typer.Exit) as ended:
        job.main(model, **options)
    return ended.value.exit_code


def jobs(tmp_path):
    store = open_jobs(f"sqlite:///{tmp_path / 'history.db'}")
    try:
        return store.list()
    finally:
        store.close()


def test_all_models_are_trained_and_the_worst_code_counts(outcomes, tmp_path, capsys):
    """
    `all` makes one job a model; one that is impossible hides none that can be trained.
    """
    outcomes[MODELS[0]] = NotEnoughHistory("builds", 3, 100)
    found = code("all"), jobs(tmp_path)

    assert found[0] == 2
    states = {each.model: each.state for each in found[1]}
    assert states == {MODELS[0]: "failed", MODELS[1]: "succeeded", MODELS[2]: "succeeded"}
    assert "Need at least 100" in capsys.readouterr().err
    assert {each.cluster for each in found[1]} == {"head-1"}


def test_a_tick_that_finds_too_little_skips_the_model(outcomes, tmp_path, capsys):
    """
    What a schedule cannot train yet is skipped, and said; the others are trained.
    """
    outcomes[MODELS[0]] = NotEnoughHistory("builds", 3, 100)
    found = code("all", scheduled=True, every=24.0), jobs(tmp_path)

    assert found[0] == 0
    states = {each.model: each.state for each in found[1]}
    assert states == {MODELS[0]: "skipped", MODELS[1]: "succeeded", MODELS[2]: "succeeded"}
    assert "Need at least 100" in capsys.readouterr().err


def test_a_late_tick_ends_with_0_and_says_so(outcomes, tmp_path, capsys):
    """
    A second tick of a schedule soon after the first trains nothing.
    """
    first = code("build-optimizer", scheduled=True, every=24.0)
    second = code("build-optimizer", scheduled=True, every=24.0)

    assert (first, second, len(jobs(tmp_path))) == (0, 0, 1)
    assert "late or doubled" in capsys.readouterr().out


@pytest.mark.parametrize("patient", [False, True])
def test_a_patient_job_waits_until_the_model_is_free(outcomes, tmp_path, monkeypatch, patient):
    """
    A job that takes the place of one whose process has died trains once that one is given up.
    """
    store = open_jobs(f"sqlite:///{tmp_path / 'history.db'}")
    now = datetime.now(UTC)
    store.create(TrainingJob(job_id="dead", model=MODELS[0], created_at=now, updated_at=now))
    monkeypatch.setattr(
        job.time, "sleep", lambda _: store.update("dead", now=now, state="failed", detail="died")
    )

    ended = code("build-optimizer", patience=30.0 if patient else 0.0)
    store.close()

    assert ended == 0
    assert {each.state for each in jobs(tmp_path)} == (
        {"failed", "succeeded"} if patient else {"queued"}
    )


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        ("crystal-ball", {}, "crystal-ball"),
        ("all", {"job_id": "one"}, "names one job"),
        ("build-optimizer", {"scheduled": True}, "how many hours"),
    ],
)
def test_what_cannot_be_meant_is_refused(outcomes, capsys, model, options, said):
    """
    Options that contradict each other end with 2 and say what is wrong.
    """
    assert code(model, **options) == 2
    assert said in capsys.readouterr().err


def test_a_full_disk_fails_the_job_with_the_folder(outcomes, tmp_path):
    """
    A disk that fills up while training fails the job, names the folder and frees the model.
    """
    outcomes[MODELS[0]] = OSError(errno.ENOSPC, "No space left on device")

    assert code("build-optimizer") == 1
    [failed] = jobs(tmp_path)
    assert failed.state == "failed"
    assert f"No space left in {tmp_path / 'training'}" in failed.detail
    del outcomes[MODELS[0]]
    assert code("build-optimizer") == 0


def test_an_interrupted_job_is_cancelled(outcomes, tmp_path):
    """
    Who stops a job at its terminal finds it cancelled, and its scratch gone.
    """
    outcomes[MODELS[0]] = KeyboardInterrupt()

    assert code("build-optimizer") == 1
    assert jobs(tmp_path)[0].state == "cancelled"
    assert list((tmp_path / "training").iterdir()) == []
