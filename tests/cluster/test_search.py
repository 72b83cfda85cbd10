"""Searches on a real local Ray cluster, one of them killed."""

import json
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import ray
from mlflow import MlflowClient
from rich.console import Console

from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE
from tests.cluster.local_ray import local_ray
from tests.training.searches import HISTORIES, setting
from training.config import Workers, as_json, default_config
from training.progress import JobCancelled
from training.search import Watch, search

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.fixture(name="cluster", scope="module")
def _cluster():
    with local_ray():
        yield


def searched(  # noqa: PLR0913 - what is searched, and within which budget
    model, folder, *, trials, minutes=None, name="night", watch=None, concurrent=0
):
    storage = folder / "search" / name
    config = search(
        model,
        HISTORIES[model](),
        setting(folder),
        workers=Workers(count=2, cpus_each=0.5),
        seed=0,
        minutes=minutes,
        trials=trials,
        storage=storage,
        tracking=None,
        watch=watch,
        concurrent=concurrent,
    )
    return config, told(storage)


def told(storage):
    return json.loads((storage / "trials.json").read_text())


def measured(trials):
    return [(trial["values"], trial["losses"], trial["state"]) for trial in trials]


def test_boosters_are_searched_on_actors(cluster, tmp_path):
    """
    Trials of the build optimizer train on actors in a placement group, and fit into two CPUs.
    """
    config, trials = searched(BUILD_OPTIMIZER, tmp_path, trials=2)

    assert [trial["default"] for trial in trials] == [True, False]
    assert trials[0]["state"] == "finished"
    assert len(trials[0]["losses"]) == 3
    assert type(config) is type(default_config(BUILD_OPTIMIZER, seed=0))
    assert ray.cluster_resources()["CPU"] == 2.0


def test_networks_are_searched(cluster, tmp_path):
    """
    What a search returns is a configuration of the default's kind and seed, kept beside its table.
    """
    config, trials = searched(FAILURE_PREDICTOR, tmp_path, trials=3)

    storage = tmp_path / "search" / "night"
    assert len(trials) == 3
    assert json.loads((storage / "config.json").read_text()) == as_json(config)
    assert replace(config, seed=1) != config
    assert {"trials.csv", "search_history.png", "search_importance.png", "search_parallel.png"} <= {
        path.name for path in storage.iterdir()
    }
    assert not (storage / "scratch").exists()


@pytest.mark.thorough
def test_a_search_of_one_trial_at_a_time_repeats(cluster, tmp_path):
    """
    The same seed proposes the same knobs, measures the same losses, and chooses the same.
    """
    one = searched(TEST_INTELLIGENCE, tmp_path, trials=5, concurrent=1, name="one")
    two = searched(TEST_INTELLIGENCE, tmp_path, trials=5, concurrent=1, name="two")

    assert one[0] == two[0]
    assert measured(one[1]) == measured(two[1])
    assert len({json.dumps(trial["values"]) for trial in one[1]}) == 5


def test_a_trial_that_runs_when_time_is_over_is_stopped(cluster, tmp_path):
    """
    Minutes end a search that has trials left, and the defaults are used where nothing was found.
    """
    config, trials = searched(TEST_INTELLIGENCE, tmp_path, trials=500, minutes=0.1)

    assert len(trials) < 500
    assert all(trial["state"] != "running" for trial in trials)
    if not any(trial["state"] == "finished" for trial in trials):
        assert config == default_config(TEST_INTELLIGENCE, seed=0)


def test_a_cancelled_job_ends_its_search(cluster, tmp_path):
    """
    Who cancels the job ends the search, and what was tried is kept.
    """

    def cancelled(_said):
        raise JobCancelled("night")

    watch = Watch(console=Console(quiet=True), tell=cancelled)
    with pytest.raises(JobCancelled):
        searched(TEST_INTELLIGENCE, tmp_path, trials=500, watch=watch)

    assert len(told(tmp_path / "search" / "night")) < 10


def test_a_killed_search_goes_on_where_it_was(tmp_path):
    """
    After SIGKILL the same command keeps the finished trials, says so, and runs only the others.
    """
    command = [sys.executable, "-m", "tests.cluster.searching", str(tmp_path), "12"]
    storage = tmp_path / "search" / "night"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = _after_trials(process, storage, wanted=4)
    process.kill()
    process.wait()

    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    assert done.returncode == 0, done.stderr
    assert "going on with the interrupted search" in done.stdout
    after = told(storage)
    ended = [trial for trial in before if trial["state"] == "finished"]
    kept = [after[trial["number"] - 1] for trial in ended]
    assert len(after) == 12
    assert ended
    assert measured(ended) == measured(kept)
    assert [trial["seconds"] for trial in ended] == [trial["seconds"] for trial in kept]
    assert len({json.dumps(trial["values"]) for trial in after}) == 12
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("search-test-intelligence")
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 13
    names = [run.info.run_name for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert sorted(names) == sorted(f"trial-{number}" for number in range(1, 13))
    assert [run.info.run_name for run in runs if "mlflow.parentRunId" not in run.data.tags] == [
        "night"
    ]


def _after_trials(process, storage, *, wanted):
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert process.poll() is None, "the search ended before it could be killed"
        if (storage / "trials.json").exists():
            trials = told(storage)
            if sum(trial["state"] != "running" for trial in trials) >= wanted:
                time.sleep(3)  # Tune writes its state once a second; what ended by now is in it
                assert process.poll() is None, "the search ended before it could be killed"
                return trials
        time.sleep(0.1)
    pytest.fail("no trial ended in five minutes")


def test_storage_that_cannot_be_read_is_kept_aside(cluster, tmp_path):
    """
    A search whose state is corrupt begins anew, and what was there is kept under another name.
    """
    searched(TEST_INTELLIGENCE, tmp_path, trials=1)
    folder = tmp_path / "search" / "night" / "tune"
    for path in folder.glob("*.pkl"):
        path.write_bytes(b"torn")
    for path in folder.glob("experiment_state*"):
        path.write_bytes(b"{torn")

    _, trials = searched(TEST_INTELLIGENCE, tmp_path, trials=2)

    assert len(trials) == 2
    assert (tmp_path / "search" / "night" / "tune-unreadable-1").is_dir()
