"""The fits without a cluster, in this process: for what is fitted sooner than actors start.

What is learned is the same: the network and the forest by the very functions that Ray's workers
run, the booster by the parameters that actors get.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.boosted import Boosted, boosted, parameters
from training.config import BoostingConfig, ForestConfig, seeds
from training.examples import Mask
from training.fit_forest import grow
from training.fit_members import columns_of
from training.fit_torch import NetworkTask, State, train_member
from training.shards import read_shards

ROWS_A_THREAD = 5_000
"""With fewer rows each, threads wait for one another longer than they work."""


def fit_quantiles_here(
    fit: Sequence[Path], stopping: Sequence[Path], config: BoostingConfig
) -> Boosted:
    """Fit one booster for all levels of *config*, by the parameters that actors get.

    Args:
        fit: Shards.
        stopping: Shards of newer rows; empty trains all `config.rounds`.
        config: The knobs, the seed included.
    """
    import xgboost  # noqa: PLC0415 - slow, and only training pays for it

    matrix, stop = _matrix(fit), dict[str, Any]()
    threads = min(os.cpu_count() or 1, 1 + matrix.num_row() // ROWS_A_THREAD)
    if stopping:
        stop = {"evals": [(_matrix(stopping), "stopping")]}
        stop["early_stopping_rounds"] = config.patience
    booster = xgboost.train(
        {**parameters(config), "nthread": threads},
        matrix,
        num_boost_round=config.rounds,
        verbose_eval=False,
        **stop,
    )
    rounds = booster.best_iteration + 1 if stopping else booster.num_boosted_rounds()
    return boosted(booster, rounds, by="xgboost")


def fit_network_here(task: NetworkTask) -> list[State]:
    """Train the members of the ensemble, one after the other."""
    inputs, label, weight = columns_of(task)
    return [
        train_member(inputs, label, weight, task, seed=seed)
        for seed in seeds(task.config.seed, task.config.members)
    ]


def fit_forest_here(
    rows: NDArray[np.float32], failed: Mask, weight: NDArray[np.float64], config: ForestConfig
) -> list[Any]:
    """Grow the trees, one after the other."""
    return grow(rows, failed, weight, config, seeds(config.seed, config.trees))


def _matrix(paths: Sequence[Path]) -> Any:
    import xgboost  # noqa: PLC0415 - as above

    rows, label, weight = read_shards(paths)
    return xgboost.QuantileDMatrix(rows, label, weight=weight)
