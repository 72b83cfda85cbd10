"""The members of the failure network, each trained by one Ray task on all rows.

Members have nothing to tell each other while they learn, so as many learn at a time as there are
workers, and which worker trains one changes nothing. A task whose worker or node is lost is done
again. Networks that share rows over gloo wait for each other after every batch, which takes longer
than learning from it (`benchmarks/results/training_torch_speed.md`): `training.fit_torch` is for
rows that one worker cannot hold.
"""

from __future__ import annotations

from typing import Any

from training.config import Workers, seeds
from training.fit_torch import NetworkTask, State, train_member
from training.shards import Columns, read_shards
from training.side_by_side import side_by_side


def fit_members(task: NetworkTask, *, workers: Workers) -> list[State]:
    """Train the members of the ensemble side by side.

    Args:
        task: What to learn from; all of its shards are read here.
        workers: Members at a time; must fit into what the cluster has free.

    Returns:
        The members' parameters, named as `models.network` says, in the order of their seeds: those
        that `training.fit_here` gives, bit by bit.

    Raises:
        UnreadableSource: If a shard is missing, truncated or damaged.
    """
    import ray  # noqa: PLC0415 - slow, and only training pays for it

    one: Any = ray.remote(_member).options(num_cpus=workers.cpus_each, max_retries=3)
    columns = ray.put(columns_of(task))
    members = seeds(task.config.seed, task.config.members)
    return side_by_side(
        lambda seed: one.remote(columns, task, seed), members, at_once=workers.count
    )


def columns_of(task: NetworkTask) -> Columns:
    """Read all shards of *task*: inputs float32 (n, 2c) as its grid makes them, labels, weights."""
    rows, label, weight = read_shards(task.shards)
    return task.grid.encode(rows), label, weight


def _member(columns: Columns, task: NetworkTask, seed: int) -> State:
    inputs, label, weight = (column.copy() for column in columns)  # torch wants to write to them
    return train_member(inputs, label, weight, task, seed=seed)
