"""A whole training job, as its own process, on real verdicts."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from devmind.errors import HistoryUnavailable, NotFound
from devmind.readers import open_source
from history.jobs import LEASE_S, RESTARTED
from history.load import load
from history.open import open_history, open_jobs
from models.names import TEST_INTELLIGENCE
from models.registry import Registry
from tests.cluster.serving import head

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture(name="recorded_once", scope="module")
def _recorded_once(ci_data, tmp_path_factory):
    """A folder with a real verdict history, to be copied."""
    folder = tmp_path_factory.mktemp("recorded")
    with open_history(f"sqlite:///{folder / 'history.db'}") as store:
        load(store, open_source(ci_data / "iofrol").builds(), on_progress=lambda _: None)
    return folder


@pytest.fixture(name="home")
def _home(recorded_once, tmp_path):
    """The folder of a service that knows a real verdict history."""
    return shutil.copytree(recorded_once, tmp_path / "home")


@pytest.fixture(name="address", scope="module")
def _address():
    """A head that several jobs use, one after the other."""
    with (
        tempfile.TemporaryDirectory(prefix="rs", dir="/tmp", ignore_cleanup_errors=True) as folder,
        head(folder) as address,
    ):
        yield address


def environment(home, **more):
    """What a process of a job needs; its Ray listens on loopback alone, so it needs no tokens."""
    env = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    for name in ("DATABASE_URL", "MLFLOW_TRACKING_URI", "MIN_TRAINING_SAMPLES"):
        env.pop(name, None)
    return env | {"DEVMIND_HOME": str(home), "RAY_AUTH_MODE": "disabled"} | more


def run(home, *command, **more):
    """Run a command to its end."""
    return subprocess.run(
        command,
        env=environment(home, **more),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def job(home, *arguments, **more):
    """Run a job to its end."""
    return run(home, sys.executable, "-m", "training.job", *arguments, **more)


def recorded(home, job_id):
    """Return a job and what it wrote."""
    with closing(open_jobs(f"sqlite:///{home / 'history.db'}")) as jobs:
        return jobs.get(job_id), jobs.logs.read(job_id).text


def until(found, timeout_s=300):
    deadline = time.monotonic() + timeout_s
    while not (result := found()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert result
    return result


def test_a_job_trains_registers_and_says_so(home, address):
    """
    A job on a real verdict history ends in a registered version whose gate decision is recorded.
    """
    asked = ("test-intelligence", "--promote-if-better", "--job-id", "one")

    done = job(home, *asked, RAY_ADDRESS=address)

    assert done.returncode == 0, done.stderr
    registry = Registry(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts")
    [version] = registry.versions(TEST_INTELLIGENCE)
    found, written = recorded(home, "one")
    assert (found.state, found.progress) == ("succeeded", 1.0)
    stages = [json.loads(line).get("stage", "") for line in written.splitlines()]
    assert {"fitting", "registering", "gating"} <= set(stages)
    assert "version 1" in found.detail
    assert version.decision is not None
    assert version.decision.promote == (registry.champion(TEST_INTELLIGENCE) == "1")
    assert list((home / "training").iterdir()) == []


def test_a_job_without_history_ends_with_2_and_the_reason(tmp_path, address):
    """
    Nothing to learn from is exit code 2, a message for people, and a failed job with the reason.
    """
    done = job(tmp_path, "build-optimizer", "--job-id", "none", RAY_ADDRESS=address)

    found, _ = recorded(tmp_path, "none")
    assert done.returncode == 2
    assert "Need at least" in done.stderr
    assert "Traceback" not in done.stderr
    assert found.state == "failed"
    assert "Need at least" in found.detail
    assert list((tmp_path / "training").iterdir()) == []


def test_a_registry_that_is_away_costs_no_training(home, address):
    """
    A job that cannot register says so, keeps its bundle, and the command it names registers it.
    """
    asked = ("test-intelligence", "--promote-if-better", "--job-id", "one")
    away = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "DEVMIND_REGISTER_PATIENCE_S": "1"}

    done = job(home, *asked, RAY_ADDRESS=address, **away)

    found, _ = recorded(home, "one")
    assert (done.returncode, found.state) == (1, "failed"), done.stderr
    words = found.detail.partition("register it with: python ")[2].split()
    later = run(home, sys.executable, *words)
    assert "version 1 is registered" in later.stdout, later.stderr
    registry = Registry(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts")
    assert [version.version for version in registry.versions(TEST_INTELLIGENCE)] == ["1"]


def test_a_full_disk_is_named(home):
    """
    A job on a Ray of its own, whose scratch is full, fails and names the folder; what was recorded
    stays.
    """
    url = f"sqlite:///{home / 'history.db'}"
    scratch = home / "training"
    scratch.mkdir()
    small = f"mount -t tmpfs -o size=64k tmpfs {scratch} && exec "
    if run(home, "unshare", "-rm", "sh", "-c", f"{small} true").returncode:
        pytest.skip("this machine lets nobody mount a small disk of their own (unshare -rm)")
    command = f"{small} {sys.executable} -m training.job test-intelligence --job-id full"

    done = run(home, "unshare", "-rm", "sh", "-c", command)

    found, _ = recorded(home, "full")
    assert (done.returncode, found.state) == (1, "failed"), done.stderr
    assert f"No space left in {scratch}" in found.detail
    assert f"No space left in {scratch}" in done.stderr
    with open_history(url) as store:
        assert sum(summary.builds for summary in store.projects()) > 0


def test_a_job_whose_head_goes_down_frees_the_model(home):
    """
    When the head goes down under a running job, the job fails with that reason or its lease runs
    out, and the model's next job may start; nothing that was recorded is lost.
    """
    url = f"sqlite:///{home / 'history.db'}"
    command = [sys.executable, "-m", "training.job", "test-intelligence", "--job-id", "one"]
    with (
        tempfile.TemporaryDirectory(prefix="rs", dir="/tmp", ignore_cleanup_errors=True) as folder,
        head(folder) as address,
    ):
        env = environment(home, RAY_ADDRESS=address)
        process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
        try:
            until(lambda: stage(home, "one") == "fitting")
        except BaseException:
            process.kill()
            raise
    process.wait(300)

    with closing(open_jobs(url)) as jobs:
        at = datetime.now(UTC) + timedelta(seconds=LEASE_S + 1)
        jobs.give_up_silent(now=at, cluster="another head")
        found = jobs.get("one")
        jobs.create(replace(found, job_id="two", created_at=at, state="queued", lease_until=None))
    assert (found.state, found.detail) == ("failed", RESTARTED)


def test_a_cancelled_job_ends_between_two_stages(home, address):
    """
    A job that is cancelled while it trains ends at its next heartbeat, and registers nothing.
    """
    url = f"sqlite:///{home / 'history.db'}"
    command = [sys.executable, "-m", "training.job", "test-intelligence", "--job-id", "one"]
    env = environment(home, RAY_ADDRESS=address)
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    try:
        until(lambda: stage(home, "one") == "fitting")
        with closing(open_jobs(url)) as jobs:
            jobs.update("one", now=datetime.now(UTC), state="cancelled", detail="by ops")
        assert process.wait(300) == 1
    finally:
        process.kill()

    assert recorded(home, "one")[0].state == "cancelled"
    assert list((home / "training").iterdir()) == []
    registry = Registry(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts")
    assert registry.versions("test_intelligence") == []


def stage(home, job_id):
    with suppress(NotFound, HistoryUnavailable):
        return recorded(home, job_id)[0].stage
    return ""


def test_an_unknown_model_ends_with_2(tmp_path):
    """
    A model that does not exist is named, with those that do.
    """
    done = job(tmp_path, "crystal-ball")

    assert done.returncode == 2
    assert "crystal-ball" in done.stderr
