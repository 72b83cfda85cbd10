"""The three fits on a cluster of two nodes, while workers and nodes die and shards break."""

import time
from dataclasses import replace

import numpy as np
import pytest
import xgboost

from devmind.errors import UnreadableSource
from models.build_optimizer import to_log_seconds
from models.metrics import pinball
from models.network import fit_grid
from tests.cluster.nodes import (
    NODE,
    DiesAt,
    SlowRounds,
    cluster_of_nodes,
    kill,
    once,
    pids_on,
)
from tests.training.builders import random_builds, random_cycles
from training.config import QUANTILES, BoostingConfig, ForestConfig, NetworkConfig, Workers, seeds
from training.fit_forest import apfd_weights, fit_forest, grow
from training.fit_here import fit_network_here, fit_quantiles_here
from training.fit_members import fit_members
from training.fit_torch import NetworkTask, fit_network
from training.fit_xgboost import fit_quantiles
from training.network_checkpoint import read_progress
from training.shards import write_shards

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

WORKERS = Workers(count=2, cpus_each=0.5)
BY_RAY_TRAIN = Workers(count=2, cpus_each=0.5, boosting="ray_train")
BOOSTING = BoostingConfig(levels=QUANTILES, rounds=60, learning_rate=0.2)
ROWS = 3000


@pytest.fixture(name="cluster", scope="module")
def _cluster():
    with cluster_of_nodes() as cluster:
        yield cluster


@pytest.fixture(name="node")
def _node(cluster):
    """A second node, to be dropped."""
    node = cluster.add_node(**NODE)
    yield node
    if node in cluster.worker_nodes:
        cluster.remove_node(node)


@pytest.fixture(name="builds")
def _builds(tmp_path):
    """Shards to learn from, and newer builds to be measured on."""
    builds = random_builds(ROWS + 500, seed=1)
    label = to_log_seconds(builds.duration_s)
    older, newer = builds.where(np.arange(ROWS)), builds.where(np.arange(ROWS, ROWS + 500))
    shards = write_shards(
        tmp_path / "fit", older, label=label[:ROWS], weight=np.ones(ROWS), count=2
    )
    return shards, newer.rows, label[ROWS:]


def loss(fitted, rows, label):
    booster = xgboost.Booster()
    booster.load_model(bytearray(fitted.booster))
    return pinball(label, booster.inplace_predict(rows), levels=QUANTILES)


@pytest.mark.parametrize(
    ("workers", "elastic"),
    [
        pytest.param(WORKERS, True, id="elastic"),
        pytest.param(WORKERS, False, id="restarted", marks=pytest.mark.thorough),
        pytest.param(BY_RAY_TRAIN, False, id="ray_train", marks=pytest.mark.thorough),
    ],
)
def test_a_killed_actor_costs_neither_rows_nor_rounds(node, builds, tmp_path, workers, elastic):
    """
    An actor killed in round 40 of 60 ends in a booster of 60 rounds over all rows, as good as one
    fitted undisturbed, whichever backend runs it.
    """
    shards, rows, label = builds
    mark = tmp_path / "killed"

    found = fit_quantiles(
        shards,
        (),
        BOOSTING,
        workers=workers,
        elastic=elastic,
        callbacks=[DiesAt(mark, at=40)],
    )

    assert mark.exists()
    assert (found.rounds, found.by) == (60, workers.boosting)
    here = loss(fit_quantiles_here(shards, (), BOOSTING), rows, label)
    assert loss(found, rows, label) == pytest.approx(here, rel=0.05)


def test_a_dropped_node_takes_no_rows_of_the_booster_with_it(cluster, node, builds, tmp_path):
    """
    When the node of an actor is gone for good, the booster is finished over all rows by what is
    left of the cluster.
    """
    shards, rows, label = builds
    mark = tmp_path / "reached"
    slow = SlowRounds(mark, at=25)
    too_large_for_one_node = Workers(count=2, cpus_each=0.6)

    def drop():
        assert pids_on(node, "RayXGBoostActor")
        cluster.remove_node(node, allow_graceful=False)

    with once(mark.exists, drop):
        found = fit_quantiles(
            shards, (), BOOSTING, workers=too_large_for_one_node, callbacks=[slow]
        )

    assert found.rounds == 60
    here = loss(fit_quantiles_here(shards, (), BOOSTING), rows, label)
    assert loss(found, rows, label) == pytest.approx(here, rel=0.05)


def newest(storage):
    """How many members are done, and how many epochs of the next one, by the newest checkpoint."""
    found = (0, 0)
    for folder in storage.glob("failure-network/checkpoint_*"):
        try:
            kept = read_progress(folder)
        except Exception:  # noqa: BLE001, S112 - it is being written, or gone already
            continue
        found = max(found, (len(kept.done), kept.epoch))
    return found


def network_task(folder, *, count=2):
    builds = random_builds(2000, seed=2)
    shards = write_shards(folder, builds, label=builds.failed, weight=np.ones(2000), count=count)
    config = NetworkConfig(hidden=(16, 8), members=2, epochs=20, batch=32, learning_rate=0.01)
    grid = fit_grid(builds.rows, knots=21)
    return NetworkTask(
        shards=shards,
        rows=2000,
        names=builds.names,
        grid=grid,
        config=config,
        checkpoint_steps=300,
    )


@pytest.fixture(name="undisturbed", scope="module")
def _undisturbed(cluster, tmp_path_factory):
    """What two workers train when nothing happens."""
    node = cluster.add_node(**NODE)
    folder = tmp_path_factory.mktemp("undisturbed")
    members = fit_network(network_task(folder), storage=folder, workers=WORKERS)
    cluster.remove_node(node)
    return members


@pytest.mark.thorough
@pytest.mark.parametrize("lost", ["worker", "node"])
def test_a_network_goes_on_from_its_checkpoint(cluster, node, undisturbed, tmp_path, lost):
    """
    A worker killed, or a node dropped, in the middle of the second member changes no weight: the
    first member is not trained again, and the second goes on from the epoch that was kept.
    """
    storage = tmp_path / "runs"
    seen = []

    def strike():
        assert pids_on(node, "RayTrainWorker")
        seen.append(newest(storage))
        if lost == "node":
            cluster.remove_node(node, allow_graceful=False)
        else:
            kill(pids_on(node, "RayTrainWorker")[0])

    with once(lambda: newest(storage) >= (1, 5), strike):
        members = fit_network(network_task(tmp_path), storage=storage, workers=WORKERS)

    assert (1, 5) <= seen[0] < (2, 0)
    assert len(members) == len(undisturbed) == 2
    for one, other in zip(members, undisturbed, strict=True):
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name])


def test_members_that_a_dropped_node_had_are_trained_again(cluster, node, tmp_path):
    """
    When a node is gone with the members it had trained, or trains, these are trained again, the
    same bit by bit.
    """
    task = network_task(tmp_path)
    task = replace(task, config=replace(task.config, members=6, epochs=40))

    def drop():
        time.sleep(1)  # members are under way by then
        cluster.remove_node(node, allow_graceful=False)

    with once(lambda: pids_on(node, "ray::_member"), drop):
        found = fit_members(task, workers=Workers(count=4, cpus_each=0.5))

    alone = fit_network_here(task)
    assert node not in cluster.worker_nodes
    assert len(found) == len(alone) == 6
    for one, other in zip(found, alone, strict=True):
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name])


def test_a_forest_grows_again_what_a_dropped_node_had_grown(cluster, node):
    """
    When a node is gone with the trees it had grown, these are grown again, the same bit by bit.
    """
    rows = random_cycles(300, 40, seed=3)
    weight = apfd_weights(rows.builds(), rows.failed)
    kept = weight > 0
    inputs = (rows.rows[kept], rows.failed[kept], weight[kept])
    config = ForestConfig(trees=400, trees_per_task=20, row_share=1.0)

    def drop():
        time.sleep(1)  # some trees are grown by then
        cluster.remove_node(node, allow_graceful=False)

    with once(lambda: pids_on(node, "ray::grow"), drop):
        found = fit_forest(*inputs, config, workers=Workers(count=4, cpus_each=0.5))

    alone = grow(*inputs, config, seeds(config.seed, config.trees))
    assert node not in cluster.worker_nodes
    assert 400 == len(found) == len(alone)
    for left, right in zip(found, alone, strict=True):
        np.testing.assert_array_equal(left.tree_.threshold, right.tree_.threshold)
        np.testing.assert_array_equal(left.tree_.value, right.tree_.value)


def test_a_shard_that_breaks_while_training_is_named(node, builds, tmp_path):
    """
    A shard that is truncated after training began, when a new actor has to read it, ends the fit
    with its name.
    """
    shards, _, _ = builds
    mark = tmp_path / "killed"

    def truncate():
        for shard in shards:
            shard.write_bytes(shard.read_bytes()[:1000])

    with (
        pytest.raises(UnreadableSource, match=r"\.parquet: not a readable shard"),
        once(mark.exists, truncate),
    ):
        fit_quantiles(shards, (), BOOSTING, workers=WORKERS, callbacks=[DiesAt(mark, at=10)])
