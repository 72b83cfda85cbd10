"""The product's fits without a cluster: the same libraries, knobs and shards, in this process.

An evaluation refits dozens of times on a few thousand rows, where starting actors would cost more
than learning. What is learned is the same: the network and the forest by the very functions that
Ray's workers run. The booster's is `training.fit_here.fit_quantiles_here`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.config import ForestConfig, seeds
from training.examples import Mask
from training.fit_forest import grow
from training.fit_torch import NetworkTask, State, train_member
from training.shards import read_shard


def local_network(task: NetworkTask) -> list[State]:
    """Train the members of the ensemble, one after the other."""
    parts = [read_shard(path, task.names) for path in task.shards]
    rows, label, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    inputs = task.grid.encode(rows)
    return [
        train_member(inputs, label, weight, task, seed=seed)
        for seed in seeds(task.config.seed, task.config.members)
    ]


def local_forest(
    rows: NDArray[np.float32], failed: Mask, weight: NDArray[np.float64], config: ForestConfig
) -> list[Any]:
    """Grow the trees, one after the other."""
    return grow(rows, failed, weight, config, seeds(config.seed, config.trees))
