"""A member of the failure ensemble, and how its training is taken up again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.network import fit_grid
from tests.training.builders import random_builds
from training.config import NetworkConfig
from training.network_checkpoint import Progress, read_progress, write_progress
from training.network_member import Member, NetworkTask

CONFIG = NetworkConfig(hidden=(8, 4), epochs=6, batch=32, least_steps=1, learning_rate=0.01)
BUILDS = random_builds(200, seed=7)
GRID = fit_grid(BUILDS.rows, knots=11)
TASK = NetworkTask(shards=(), rows=200, names=BUILDS.names, grid=GRID, config=CONFIG)
COLUMNS = (GRID.encode(BUILDS.rows), np.float32(BUILDS.failed), np.ones(200, np.float32))


def trained(member, epochs):
    while member.epoch < epochs:
        member.learn_epoch()
    return member


def assert_equal(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name])


@settings(max_examples=12, deadline=None)
@given(st.integers(1, CONFIG.epochs), st.integers(0, 2**20))
def test_a_member_taken_up_again_ends_as_if_undisturbed(tmp_path_factory, epoch, seed):
    """
    Whenever training is interrupted, what goes on from the checkpoint ends with the same weights,
    bit by bit.
    """
    folder = tmp_path_factory.mktemp("checkpoint")
    undisturbed = trained(Member(COLUMNS, TASK, seed=seed), CONFIG.epochs)
    before = trained(Member(COLUMNS, TASK, seed=seed), epoch)
    kept = Progress(epoch=epoch, weights=before.weights(), moments=before.moments())
    write_progress(folder, kept)

    found = read_progress(folder)
    after = Member(COLUMNS, TASK, seed=seed)
    after.go_on(found.epoch, found.weights, found.moments)
    trained(after, CONFIG.epochs)

    assert_equal(undisturbed.weights(), after.weights())
    assert_equal(undisturbed.moments(), after.moments())


def test_workers_draw_other_rows_from_equal_weights():
    """
    Each worker orders its rows and drops units in its own way, from weights that all share.
    """
    one, other = (Member(COLUMNS, TASK, seed=3, rank=rank) for rank in (0, 1))

    assert_equal(one.weights(), other.weights())
    assert not np.array_equal(
        trained(one, 1).weights()["0.weight"], trained(other, 1).weights()["0.weight"]
    )


@pytest.mark.parametrize("members", [0, 1, 12])
def test_progress_comes_back_as_it_was_kept(tmp_path, members):
    """
    Members come back in the order in which they were trained, with the one under way.
    """
    done = tuple({"0.weight": np.full((2, 3), i, np.float32)} for i in range(members))
    moments = {"0/exp_avg": np.ones(3, np.float32), "0/step": np.array(4.0, np.float32)}
    kept = Progress(done=done, epoch=2, weights={"0.bias": np.zeros(2, np.float32)})
    kept = Progress(done=done, epoch=2, weights=kept.weights, moments=moments)

    write_progress(tmp_path, kept)
    found = read_progress(tmp_path)

    assert found.epoch == 2
    assert [state["0.weight"][0, 0] for state in found.done] == list(range(members))
    assert_equal(moments, found.moments)
    assert_equal(kept.weights, found.weights)
