"""The three fits on a real local Ray cluster."""

from dataclasses import replace

import numpy as np
import pytest
import xgboost

from models.build_optimizer import to_log_seconds
from models.metrics import auc, pinball
from models.network import Network, fit_grid
from tests.cluster.local_ray import local_ray
from tests.training.builders import random_builds, random_cycles
from training.config import QUANTILES, BoostingConfig, ForestConfig, NetworkConfig, Workers
from training.fit_forest import apfd_weights, fit_forest
from training.fit_here import fit_network_here, fit_quantiles_here
from training.fit_members import fit_members
from training.fit_torch import NetworkTask, fit_network
from training.fit_xgboost import fit_quantiles
from training.shards import write_shards

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

WORKERS = Workers(count=2, cpus_each=0.5)


@pytest.fixture(name="cluster", scope="module")
def _cluster():
    with local_ray():
        yield


def test_two_actors_fit_quantiles_that_repeat(cluster, tmp_path):
    """
    Two actors fit ordered, informative quantiles; the same seed gives the same booster, and one
    fitted in this process is as good.
    """
    builds = random_builds(1200, seed=1)
    label = to_log_seconds(builds.duration_s)
    older, newer = builds.where(np.arange(1000)), builds.where(np.arange(1000, 1200))
    fit = write_shards(tmp_path / "fit", older, label=label[:1000], weight=np.ones(1000), count=2)
    stop = write_shards(tmp_path / "stop", newer, label=label[1000:], weight=np.ones(200), count=2)
    config = BoostingConfig(levels=QUANTILES, rounds=60, patience=10, learning_rate=0.2)

    found = fit_quantiles(fit, stop, config, workers=WORKERS)
    again = fit_quantiles(fit, stop, config, workers=WORKERS)

    booster = xgboost.Booster()
    booster.load_model(bytearray(found.booster))
    said = booster.inplace_predict(newer.rows)
    below = (label[1000:, None] <= said).mean(axis=0)
    assert said.shape == (200, 3)
    assert found == again
    assert found.rounds == booster.num_boosted_rounds() <= 60
    assert pytest.approx(below, abs=0.15) == [0.1, 0.5, 0.9]

    here = xgboost.Booster()
    here.load_model(bytearray(fit_quantiles_here(fit, stop, config).booster))
    losses = [
        pinball(label[1000:], model.inplace_predict(newer.rows), levels=QUANTILES)
        for model in (booster, here)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=0.1)


@pytest.mark.thorough
def test_both_backends_fit_equally_well(cluster, tmp_path):
    """
    The setting switches from the actors of xgboost_ray to the workers of Ray Train: both say who
    fitted, and on the same newer rows neither is better.
    """
    builds = random_builds(2500, seed=4)
    label = to_log_seconds(builds.duration_s)
    fitted = np.arange(2000)
    fit = write_shards(
        tmp_path, builds.where(fitted), label=label[fitted], weight=np.ones(2000), count=2
    )
    config = BoostingConfig(levels=QUANTILES, rounds=40, learning_rate=0.2)

    losses = {}
    for backend in ("xgboost_ray", "ray_train"):
        asked = replace(WORKERS, boosting=backend)
        found = fit_quantiles(fit, (), config, workers=asked)
        booster = xgboost.Booster()
        booster.load_model(bytearray(found.booster))
        said = booster.inplace_predict(builds.rows[2000:])
        losses[found.by] = pinball(label[2000:], said, levels=QUANTILES)

    assert {"xgboost_ray", "ray_train"} == set(losses)
    assert losses["ray_train"] == pytest.approx(losses["xgboost_ray"], rel=0.02)
    assert sorted(tmp_path.iterdir()) == sorted(fit)


@pytest.mark.thorough
def test_two_workers_train_a_network_that_repeats(cluster, tmp_path):
    """
    Two workers train a network that orders builds; the same seed gives the same weights.
    """
    builds = random_builds(1000, seed=2)
    older, newer = builds.where(np.arange(800)), builds.where(np.arange(800, 1000))
    shards = write_shards(tmp_path, older, label=older.failed, weight=np.ones(800), count=2)
    config = NetworkConfig(hidden=(16, 8), members=2, epochs=8, batch=64, learning_rate=0.01)
    grid = fit_grid(older.rows, knots=21)
    task = NetworkTask(shards=shards, rows=800, names=older.names, grid=grid, config=config)

    members = fit_network(task, storage=tmp_path / "a", workers=WORKERS)
    again = fit_network(task, storage=tmp_path / "b", workers=WORKERS)

    said = Network(members).logits(grid.encode(newer.rows))
    assert len(members) == 2
    assert auc(newer.failed, said) > 0.75
    for one, other in zip(members, again, strict=True):
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name])
    assert not np.array_equal(members[0]["0.weight"], members[1]["0.weight"])


def test_members_side_by_side_are_those_trained_one_after_the_other(cluster, tmp_path):
    """
    Whatever the workers, each member is trained on all rows: the same weights, bit by bit.
    """
    builds = random_builds(600, seed=2)
    shards = write_shards(tmp_path, builds, label=builds.failed, weight=np.ones(600), count=2)
    config = NetworkConfig(hidden=(16, 8), members=3, epochs=4, batch=64)
    grid = fit_grid(builds.rows, knots=21)
    task = NetworkTask(shards=shards, rows=600, names=builds.names, grid=grid, config=config)

    found = fit_members(task, workers=WORKERS)
    here = fit_network_here(task)

    assert len(found) == len(here) == 3
    for one, other in zip(found, here, strict=True):
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name])


def test_a_forest_is_the_same_whatever_the_workers(cluster):
    """
    One worker and two, large tasks and small, grow the same forest for a seed.
    """
    rows = random_cycles(60, 20, seed=3)
    weight = apfd_weights(rows.builds(), rows.failed)
    config = ForestConfig(trees=12, trees_per_task=5)
    kept = weight > 0
    inputs = (rows.rows[kept], rows.failed[kept], weight[kept])

    one = fit_forest(*inputs, config, workers=Workers(count=1, cpus_each=0.5))
    two = fit_forest(*inputs, ForestConfig(trees=12, trees_per_task=2), workers=WORKERS)

    assert 12 == len(one) == len(two)
    for left, right in zip(one, two, strict=True):
        np.testing.assert_array_equal(left.tree_.threshold, right.tree_.threshold)
        np.testing.assert_array_equal(left.tree_.value, right.tree_.value)
