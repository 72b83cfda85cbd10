"""A whole training job, as its own process, on real verdicts."""

import os
import subprocess
import sys

import pytest

from devmind.readers import open_source
from history.load import load
from history.open import open_history, open_jobs
from models.names import TEST_INTELLIGENCE
from models.registry import Registry

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]


def job(home, *arguments):
    """Run the job; its local Ray listens on loopback for it alone, so it needs no tokens."""
    env = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    for name in ("DATABASE_URL", "MLFLOW_TRACKING_URI", "MIN_TRAINING_SAMPLES"):
        env.pop(name, None)
    env |= {"DEVMIND_HOME": str(home), "RAY_AUTH_MODE": "disabled"}
    command = [sys.executable, "-m", "training.job", *arguments]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=170, check=False
    )


def test_a_job_trains_registers_and_says_so(ci_data, tmp_path):
    """
    A job on a real verdict history ends in a registered version whose gate decision is recorded.
    """
    url = f"sqlite:///{tmp_path / 'history.db'}"
    with open_history(url) as store:
        load(store, open_source(ci_data / "iofrol").builds(), on_progress=lambda _: None)

    done = job(tmp_path, "test-intelligence", "--promote-if-better", "--job-id", "one")

    assert done.returncode == 0, done.stderr
    registry = Registry(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")
    [version] = registry.versions(TEST_INTELLIGENCE)
    jobs = open_jobs(url)
    found = jobs.get("one")
    jobs.close()
    assert (found.state, found.progress) == ("succeeded", 1.0)
    assert "version 1" in found.detail
    assert version.decision is not None
    assert version.decision.promote == (registry.champion(TEST_INTELLIGENCE) == "1")
    assert list((tmp_path / "training").iterdir()) == []


def test_a_job_without_history_ends_with_2_and_the_reason(tmp_path):
    """
    Nothing to learn from is exit code 2, a message for people, and a failed job with the reason.
    """
    done = job(tmp_path, "build-optimizer", "--job-id", "none")

    jobs = open_jobs(f"sqlite:///{tmp_path / 'history.db'}")
    found = jobs.get("none")
    jobs.close()
    assert done.returncode == 2
    assert "Need at least" in done.stderr
    assert "Traceback" not in done.stderr
    assert found.state == "failed"
    assert "Need at least" in found.detail
    assert list((tmp_path / "training").iterdir()) == []


def test_an_unknown_model_ends_with_2(tmp_path):
    """
    A model that does not exist is named, with those that do.
    """
    done = job(tmp_path, "crystal-ball")

    assert done.returncode == 2
    assert "crystal-ball" in done.stderr
