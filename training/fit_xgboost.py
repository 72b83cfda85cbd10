"""Boosted quantiles on a Ray cluster: on the actors of `xgboost_ray`, or by Ray Train.

Nobody maintains `xgboost_ray` any more, so it is known here and in `training.shard_matrix` alone;
the other backend is `training.fit_xgboost_train`. Verified for xgboost 2.0.3:
`reg:quantileerror` with several levels trains distributed, gives one tree a round and level, and
repeats for a seed and a number of actors.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from training.boosted import Boosted, boosted, parameters
from training.config import BoostingConfig, Workers, joined_on_one_node
from training.faults import unwrapped
from training.shards import rows_of

log = structlog.get_logger(__name__)

RESTARTS, CHECKPOINT_ROUNDS, ATTEMPTS = 3, 10, 3


def fit_quantiles(  # noqa: PLR0913 - the rows, the knobs, and how a cluster is used
    fit: Sequence[Path],
    stopping: Sequence[Path],
    config: BoostingConfig,
    *,
    workers: Workers,
    elastic: bool = True,
    callbacks: Sequence[Any] = (),
) -> Boosted:
    """Fit one booster for all levels of *config*, by the backend that *workers* name.

    Args:
        fit: Shards, at least one for each worker.
        stopping: Shards of newer rows; empty trains all `config.rounds`.
        config: The knobs, the seed included.
        workers: Must fit into what the cluster has free.
        elastic: Whether actors go on alone after a death, until a new one has its rows. The
            workers of Ray Train always wait for it.
        callbacks: Of type `xgboost.callback.TrainingCallback`, called on each worker.

    Raises:
        UnreadableSource: If a shard is missing, truncated or damaged.
        RuntimeError: If more actors died than may be restarted.
    """
    import ray  # noqa: PLC0415 - slow, and only training pays for it

    rows_of((*fit, *stopping))
    known: list[Any] = ray.nodes()  # type: ignore[no-untyped-call] # Ray leaves it untyped
    nodes = sum(bool(node["Alive"] and node["Resources"].get("CPU")) for node in known)
    workers = joined_on_one_node(workers, nodes)
    with unwrapped():
        if workers.boosting == "ray_train":
            from training.fit_xgboost_train import fit_by_ray_train  # noqa: PLC0415 - as above

            return fit_by_ray_train(fit, stopping, config, workers=workers, callbacks=callbacks)
        task = _Task(fit=fit, stopping=stopping, config=config, callbacks=tuple(callbacks))
        return _fit_on_actors(task, workers, elastic=elastic)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    fit: Sequence[Path]
    stopping: Sequence[Path]
    config: BoostingConfig
    callbacks: tuple[Any, ...]


def _fit_on_actors(task: _Task, workers: Workers, *, elastic: bool) -> Boosted:
    """Fit until all rows and all rounds are in.

    What a lost actor knew is missing until another one has read it, which may be never, and is no
    error to the library. Then all is fitted again by as many actors as are left.
    """
    rows = rows_of(task.fit)
    count = min(workers.count, len(task.fit), len(task.stopping) or len(task.fit))
    for _ in range(ATTEMPTS):
        shared = _Share(count=count, cpus_each=workers.cpus_each, elastic=elastic and count > 1)
        booster, seen = _trained(task, shared)
        done = booster.num_boosted_rounds()
        if task.stopping and seen == rows:
            return boosted(booster, booster.best_iteration + 1, by="xgboost_ray")
        if (seen, done) == (rows, task.config.rounds):
            return boosted(booster, done, by="xgboost_ray")
        log.warning("a booster is not whole", rows=rows, seen=seen, rounds=done, actors=count)
        count = max(1, min(count - 1, count * seen // rows))
    message = f"XGBoost lost actors in each of {ATTEMPTS} attempts; see the logs of Ray's nodes"
    raise RuntimeError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    count: int
    cpus_each: float
    elastic: bool


def _trained(task: _Task, share: _Share) -> tuple[Any, int]:
    """Return a booster, and how many rows had a say in its last round."""
    import xgboost_ray  # noqa: PLC0415 - as above

    from training.shard_matrix import ShardMatrix  # noqa: PLC0415 - as above

    os.environ.setdefault("RXGB_PLACEMENT_GROUP_TIMEOUT_S", "300")
    stop: dict[str, Any] = {}
    if task.stopping:
        stop["evals"] = [(ShardMatrix(task.stopping), "stopping")]
        stop["early_stopping_rounds"] = task.config.patience
    found: dict[str, Any] = {}
    booster = xgboost_ray.train(
        parameters(task.config),
        ShardMatrix(task.fit),
        num_boost_round=task.config.rounds,
        verbose_eval=False,
        additional_results=found,
        callbacks=list(task.callbacks),
        ray_params=xgboost_ray.RayParams(
            num_actors=share.count,
            cpus_per_actor=share.cpus_each,
            max_actor_restarts=RESTARTS,
            elastic_training=share.elastic,
            max_failed_actors=share.count - 1,
            checkpoint_frequency=CHECKPOINT_ROUNDS,
            verbose=False,
        ),
        **stop,
    )
    return booster, int(found.get("total_n", 0))
