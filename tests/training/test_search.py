"""What a search may see, what it varies, and which trial wins."""

import csv
import io
import json
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmind.errors import InvalidInput, NotEnoughHistory
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, MODELS, TEST_INTELLIGENCE
from tests.training.builders import random_builds
from tests.training.searches import HISTORIES, setting, trial
from tests.training.test_split import histories
from training import intelligence
from training.config import NetworkConfig, Workers, as_json, default_config
from training.examples import concatenate
from training.fit_here import fit_forest_here
from training.past_rankings import folds
from training.recipes import train_model
from training.search_folds import search_folds, searched_rows
from training.search_losses import fold_losses, log_loss
from training.search_spaces import SPACES, space_of, values_of, with_values
from training.search_trials import as_table, running_best, trials_json, winner
from training.split import SplitPolicy, older_than, split

losses = st.lists(st.floats(0.01, 10), min_size=3, max_size=3)
others = st.lists(st.tuples(losses, st.sampled_from(["finished", "stopped", "failed"])), max_size=8)


@given(histories())
def test_folds_ask_for_later_and_later_builds(history):
    """
    Each fold asks for newer builds than the one before, and for none that it has learned from.
    """
    policy = SplitPolicy(needed=5)
    asked = list(folds(history, policy, 3))

    for earlier, later in pairwise(asked):
        assert history.sequence[earlier].max() < history.sequence[later].min()
    for mask in asked:
        learned = older_than(history, mask) & ~mask
        if learned.any():
            assert history.known_at[learned].max() < history.sequence[mask].min()


@pytest.mark.parametrize("model", MODELS)
def test_a_search_sees_nothing_of_the_builds_a_version_is_scored_on(model, tmp_path):
    """
    Nothing that a search learns from or asks for was unknown when the first scored build came.
    """
    one, two = HISTORIES[model](), HISTORIES[model]()
    two.project[:] = "docs"
    both = concatenate([one, two])
    counted = both.where(~both.failed) if model == BUILD_OPTIMIZER else both
    scored = counted.where(split(counted, SplitPolicy()).test)

    known = searched_rows(model, both, setting(tmp_path))

    for project in ("shop", "docs"):
        first = scored.sequence[scored.project == project].min()
        assert known.known_at[known.project == project].max() < first
    assert len(search_folds(model, known, setting(tmp_path))) == 3


@pytest.mark.parametrize("model", MODELS)
def test_each_model_has_a_loss_that_knows_good_from_bad(model, tmp_path):
    """
    On every fold the loss is finite and repeats, and knobs that cannot work cost more.
    """
    known = searched_rows(model, HISTORIES[model](), setting(tmp_path))
    parts = search_folds(model, known, setting(tmp_path))
    config, bad = default_config(model, seed=1), SENSELESS[model]

    good = list(fold_losses(known, parts, config, setting(tmp_path / "a")))
    again = list(fold_losses(known, parts[:1], config, setting(tmp_path / "b")))
    space = space_of(model, projects=1)
    worse = list(
        fold_losses(known, parts, with_values(config, bad, space), setting(tmp_path / "c"))
    )

    assert len(parts) == len(good) == 3
    assert again == good[:1]
    assert np.isfinite(good).all()
    assert np.mean(worse) > np.mean(good)


SENSELESS = {
    BUILD_OPTIMIZER: {"rounds": 40, "learning_rate": 0.01},
    FAILURE_PREDICTOR: {"learning_rate": 0.01, "epochs": 30, "dropout": 0.1},
    TEST_INTELLIGENCE: {"rule_share": 0.0, "max_depth": 14, "min_samples_leaf": 2},
}


def test_builds_of_one_outcome_give_no_folds(tmp_path):
    """
    Where nothing can be told apart nothing can be compared, and that is no error.
    """
    history = random_builds(300, seed=1)
    history.failed[:] = False

    known = searched_rows(FAILURE_PREDICTOR, history, setting(tmp_path))

    assert search_folds(FAILURE_PREDICTOR, known, setting(tmp_path)) == ()


def test_too_little_history_is_refused_before_any_trial(tmp_path):
    """
    A search refuses what training would refuse, in the same words.
    """
    with pytest.raises(NotEnoughHistory, match="at least 100"):
        searched_rows(FAILURE_PREDICTOR, random_builds(40, seed=1), setting(tmp_path))


@pytest.mark.parametrize("model", MODELS)
def test_the_default_lies_in_the_space_and_comes_back_whole(model):
    """
    The default can be proposed as a trial, and turning no knob changes nothing.
    """
    config, space = default_config(model, seed=3), SPACES[model]
    values = values_of(config, space)

    assert all(knob.allows(values[knob.name]) for knob in space)
    assert config == with_values(config, values, space)


def test_knobs_without_influence_are_not_searched():
    """
    With one project nobody lends rows, so how many is no question.
    """
    names = [knob.name for knob in space_of(TEST_INTELLIGENCE, projects=1)]

    assert "lent_builds" not in names
    assert len(names) + 1 == len(SPACES[TEST_INTELLIGENCE])


@pytest.mark.parametrize(
    ("values", "says"), [({"dropout": 3.0}, "dropout"), ({"colour": 1}, "colour")]
)
def test_what_no_search_varies_is_refused_by_name(values, says):
    """
    A value outside the space, or of an unknown knob, is named.
    """
    with pytest.raises(InvalidInput, match=says):
        with_values(NetworkConfig(), values, SPACES[FAILURE_PREDICTOR])


@given(losses, others)
def test_what_wins_is_never_worse_than_the_default(default, rest):
    """
    On the folds the winner is at most as costly as the default, whatever else was tried.
    """
    tried = [trial(i, ls, state=state) for i, (ls, state) in enumerate(rest, 2)]

    taken = winner([trial(1, default, default=True), *tried])

    assert taken is not None
    assert taken.state == "finished"
    assert taken.loss <= np.mean(default)


@pytest.mark.parametrize(
    ("default", "best", "wins"),
    [
        ((0.5, 0.5, 0.5), (0.4, 0.4, 0.4), 2),
        ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 1),
        ((0.5, 0.5, 0.5), (0.2, 0.5, 0.6), 1),
        ((0.2, 0.5, 0.9), (0.19, 0.48, 0.88), 2),
        ((0.5, 0.5, 0.5), (0.6, 0.6, 0.6), 1),
    ],
    ids=["better everywhere", "equal", "better by luck", "a little, but always", "worse"],
)
def test_ties_within_noise_go_to_the_default(default, best, wins):
    """
    A trial wins if it beats the default by more than the folds differ by chance.
    """
    taken = winner([trial(1, default, default=True), trial(2, best)])

    assert wins == taken.number


def test_without_a_measured_default_nothing_wins():
    """
    What cannot be compared with the default does not replace it.
    """
    stopped = trial(1, (0.5,), state="stopped", default=True)

    assert winner([stopped, trial(2, (0.1, 0.1, 0.1))]) is None
    assert winner([]) is None


def test_trials_can_be_read_as_tables():
    """
    CSV and JSON tell each trial's knobs, losses and end; a trial without losses included.
    """
    trials = [trial(1, (0.5, 0.7), default=True), trial(2, (), state="failed")]

    rows = list(csv.DictReader(io.StringIO(as_table(trials))))
    told = json.loads(trials_json(trials))

    assert [row["loss_fold_1"] for row in rows] == ["0.5", ""]
    assert [row["state"] for row in rows] == ["finished", "failed"]
    assert rows[1]["max_depth"] == "2"
    assert [each["losses"] for each in told] == [[0.5, 0.7], []]
    assert running_best(trials) == [(1, 0.6)]


def test_log_loss_knows_no_impossible_build():
    """
    A certain and wrong probability costs much, not everything.
    """
    assert math.isfinite(log_loss(np.array([True]), np.array([0.0])))


def test_what_a_search_returns_is_told_by_the_bundle(tmp_path):
    """
    The manifest of a model trained with found knobs holds every one of them.
    """
    space = space_of(TEST_INTELLIGENCE, projects=1)
    small = replace(default_config(TEST_INTELLIGENCE, seed=2), trees=3)
    found = with_values(small, {"max_depth": 3, "max_features": "0.3"}, space)

    trained = intelligence.train(
        HISTORIES[TEST_INTELLIGENCE](), found, setting(tmp_path), fit=fit_forest_here
    )

    assert as_json(found) == trained.manifest.config
    assert (
        trained.manifest.config["max_depth"],
        trained.manifest.config["max_features"],
    ) == (3, 0.3)


def test_knobs_of_another_model_are_refused(tmp_path):
    """
    A network's knobs train no forest.
    """
    with pytest.raises(InvalidInput, match="NetworkConfig"):
        train_model(
            TEST_INTELLIGENCE,
            HISTORIES[TEST_INTELLIGENCE](),
            setting(tmp_path),
            workers=Workers(),
            seed=0,
            config=NetworkConfig(),
        )
