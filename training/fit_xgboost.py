"""Boosted trees for quantiles, on the actors of `xgboost_ray`.

The only file that knows `xgboost_ray`, which nobody maintains any more; another backend has to
offer nothing but `fit_quantiles`. Verified for xgboost 2.0.3: `reg:quantileerror` with several
levels trains distributed, gives one tree a round and level, and repeats for a seed and a number
of actors.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.config import BoostingConfig, Workers
from training.shards import LABEL, WEIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosted:
    """A booster for the levels of its configuration, as UBJ, cut to its best round."""

    booster: bytes
    rounds: int


def fit_quantiles(
    fit: Sequence[Path],
    stopping: Sequence[Path],
    config: BoostingConfig,
    *,
    workers: Workers,
) -> Boosted:
    """Fit one booster for all levels of *config*.

    Args:
        fit: Shards, at least one for each worker.
        stopping: Shards of newer rows; empty trains all `config.rounds`.
        config: The knobs, the seed included.
        workers: Actors; must fit into what the cluster has free.

    Raises:
        RuntimeError: If more actors died than may be restarted.
    """
    import xgboost_ray  # noqa: PLC0415 - slow, and only training pays for it

    os.environ.setdefault("RXGB_PLACEMENT_GROUP_TIMEOUT_S", "300")
    count = min(workers.count, len(fit), len(stopping) or len(fit))
    elastic = count > 1
    matrix = xgboost_ray.RayDMatrix([str(p) for p in fit], label=LABEL, weight=WEIGHT)
    stop: dict[str, Any] = {}
    if stopping:
        newer = xgboost_ray.RayDMatrix([str(p) for p in stopping], label=LABEL, weight=WEIGHT)
        stop = {"evals": [(newer, "stopping")], "early_stopping_rounds": config.patience}
    booster = xgboost_ray.train(
        parameters(config),
        matrix,
        num_boost_round=config.rounds,
        verbose_eval=False,
        ray_params=xgboost_ray.RayParams(
            num_actors=count,
            cpus_per_actor=workers.cpus_each,
            max_actor_restarts=2,
            elastic_training=elastic,
            max_failed_actors=count - 1,
            checkpoint_frequency=20,
            verbose=False,
        ),
        **stop,
    )
    rounds = booster.best_iteration + 1 if stopping else booster.num_boosted_rounds()
    return Boosted(booster=bytes(booster[:rounds].save_raw("ubj")), rounds=rounds)


def parameters(config: BoostingConfig) -> dict[str, Any]:
    """Return XGBoost's parameters for *config*, for any backend."""
    return {
        "objective": "reg:quantileerror",
        "quantile_alpha": list(config.levels),
        "tree_method": "hist",
        "max_depth": config.max_depth,
        "learning_rate": config.learning_rate,
        "min_child_weight": config.min_child_weight,
        "subsample": config.subsample,
        "colsample_bytree": config.colsample_bytree,
        "reg_lambda": config.reg_lambda,
        "seed": config.seed,
        "nthread": 0,  # as many as Ray gives the actor; a number must not exceed its CPU share
    }
