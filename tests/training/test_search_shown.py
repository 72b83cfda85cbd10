"""What people see of a search: lines, a table, pictures, and runs in MLflow."""

import io
import math
import random

import pytest
from mlflow import MlflowClient
from rich.console import Console

from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR
from models.tracking_address import TrackingAddress
from tests.training.searches import trial
from training.config import default_config
from training.progress import JobCancelled
from training.search_board import Board
from training.search_pictures import draw_all, height, importances
from training.search_spaces import SPACES, values_of
from training.tracking import SearchTracking

PNG = b"\x89PNG"
HALF_WAY = [
    trial(1, (0.5, 0.7), default=True),
    trial(2, (0.9,), state="stopped", values={"max_depth": 7, "subsample": 0.6123}),
    trial(3, (0.4,), state="running"),
]


def drawn(knob, rng):
    if knob.choices:
        return rng.choice(knob.choices)
    low, high = (math.log(knob.low), math.log(knob.high)) if knob.log else (knob.low, knob.high)
    value = rng.uniform(low, high)
    value = min(knob.high, max(knob.low, math.exp(value))) if knob.log else value
    return round(value) if knob.whole else value


def tried(model, n):
    """Trials whose loss hangs on the learning rate."""
    rng, space = random.Random(4), SPACES[model]
    found = []
    for number in range(1, n + 1):
        values = {knob.name: drawn(knob, rng) for knob in space}
        if number == 1:
            values = values_of(default_config(model, seed=0), space)
        loss = 0.2 + abs(math.log(values["learning_rate"] / 0.03))
        done = number % 4 != 3
        state = "finished" if done else "stopped"
        each = (loss,) * (3 if done else 1)
        found.append(trial(number, each, state=state, default=number == 1, values=values))
    return found


def test_without_a_terminal_each_ended_trial_is_one_line():
    """
    A log gets a line a trial, once, with its loss, its end and its knobs.
    """
    said, out = [], io.StringIO()
    board = Board(Console(file=out, width=200), trials=5, folds=2, tell=said.append)

    with board:
        board.show(HALF_WAY)
        board.show(HALF_WAY)

    assert out.getvalue().splitlines() == [
        "  trial 1/5 loss 0.6: the default",
        "  trial 2/5 loss 0.9 (stopped early): max_depth=7 subsample=0.61",
    ]
    assert said == ["search 2/5 trials, best 0.6"]


def test_a_terminal_gets_a_table_of_the_best_and_the_running():
    """
    The live table names the best trial, how many folds each was measured on, and all knobs.
    """
    out = io.StringIO()
    console = Console(file=out, width=120, force_terminal=True, color_system=None)

    with Board(console, trials=5, folds=2, tell=lambda _: None) as board:
        board.show(HALF_WAY)

    text = out.getvalue()
    for word in ("search 2/5 trials, best 0.6", "1 (default)", "2/2", "1/2", "max_depth"):
        assert word in text


def test_a_cancelled_job_ends_the_search_not_tune():
    """
    Who wants the search to end is heard, and nothing is raised inside Tune's loop.
    """

    def cancelled(_said):
        raise JobCancelled("one")

    board = Board(Console(quiet=True), trials=5, folds=2, tell=cancelled)
    board.show(HALF_WAY)

    assert isinstance(board.ended, JobCancelled)


@pytest.mark.parametrize(
    ("model", "n"), [(FAILURE_PREDICTOR, 1), (FAILURE_PREDICTOR, 5), (BUILD_OPTIMIZER, 40)]
)
def test_pictures_are_drawn_of_few_trials_and_of_many(model, n, tmp_path):
    """
    One trial or forty: three pictures.
    """
    paths = draw_all(tmp_path, tried(model, n), SPACES[model], title="model", loss="loss")

    assert [path.name for path in paths] == [
        "search_history.png",
        "search_importance.png",
        "search_parallel.png",
    ]
    assert all(path.read_bytes().startswith(PNG) for path in paths)


def test_nothing_is_drawn_of_nothing(tmp_path):
    """
    Without a trial that was carried through there are no pictures.
    """
    some = [trial(1, (), state="failed", default=True)]

    assert draw_all(tmp_path, some, SPACES[BUILD_OPTIMIZER], title="model", loss="loss") == []


def test_the_knob_that_matters_is_found():
    """
    Where only the learning rate makes a difference, it has most of the importance.
    """
    found = importances(tried(BUILD_OPTIMIZER, 40), SPACES[BUILD_OPTIMIZER])

    assert max(found, key=found.get) == "learning_rate"
    assert found["learning_rate"] > 0.7
    assert importances(tried(BUILD_OPTIMIZER, 5), SPACES[BUILD_OPTIMIZER]) == {}


@pytest.mark.parametrize("knob", SPACES[BUILD_OPTIMIZER] + SPACES[FAILURE_PREDICTOR])
def test_scales_go_from_end_to_end(knob):
    """
    The ends of a knob lie at the ends of its scale.
    """
    low, high = (knob.choices[0], knob.choices[-1]) if knob.choices else (knob.low, knob.high)

    assert pytest.approx((height(low, knob), height(high, knob))) == (0.0, 1.0)


def test_a_search_is_a_parent_run_with_a_child_a_trial(tmp_path):
    """
    MLflow has tags, knobs, fold losses, ends and artifacts; one that goes on adds to the same run.
    """
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    address, said = TrackingAddress(uri, tmp_path / "artifacts"), []
    table = tmp_path / "trials.csv"
    table.write_text("number\n1\n")
    first = SearchTracking(address, tmp_path, say=said.append)
    first.begin(BUILD_OPTIMIZER, "night", {"devmind.seed": "3"})
    first.log(HALF_WAY)

    again = SearchTracking(address, tmp_path, say=said.append)
    again.begin(BUILD_OPTIMIZER, "night", {"devmind.seed": "3"})
    ended = [*HALF_WAY[:2], trial(3, (0.4, 0.5))]
    again.end(ended, metrics={"loss": 0.45}, artifacts=[table])

    client = MlflowClient(uri, uri)
    experiment = client.get_experiment_by_name("search-build-optimizer")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    parent = runs.pop("night")
    assert (said, len(runs)) == ([], 3)
    assert {parent.info.run_id} == {run.data.tags["mlflow.parentRunId"] for run in runs.values()}
    assert (parent.info.status, parent.data.tags["devmind.seed"]) == ("FINISHED", "3")
    assert parent.data.metrics["loss"] == 0.45
    assert [f.path for f in client.list_artifacts(parent.info.run_id)] == ["trials.csv"]
    assert runs["trial-2"].info.status == "KILLED"
    assert runs["trial-2"].data.params["max_depth"] == "7"
    history = client.get_metric_history(runs["trial-3"].info.run_id, "fold_loss")
    assert [(point.step, point.value) for point in history] == [(1, 0.4), (2, 0.5)]


def test_without_mlflow_a_search_goes_on_and_says_so_once(tmp_path, monkeypatch):
    """
    An MLflow that does not answer is one line without its password, and no error.
    """
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    said = []
    address = TrackingAddress("http://ann:secret@127.0.0.1:9/mlflow", tmp_path)
    tracking = SearchTracking(address, tmp_path, say=said.append)

    tracking.begin(BUILD_OPTIMIZER, "night", {})
    tracking.log(HALF_WAY)
    tracking.end(HALF_WAY, metrics={}, artifacts=[])

    assert len(said) == 1
    assert "the search goes on" in said[0]
    assert str(tmp_path) in said[0]
    assert "secret" not in said[0]
    assert not tracking.reached
