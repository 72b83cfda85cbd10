"""A trial's boosters, on actors of `xgboost_ray` in the placement group that Tune gave the trial.

Its own Tune hooks don't import with this Ray, so a callback puts what the trial is to report into
the actors' queue, and `xgboost_ray.train` calls it in the trial's process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import xgboost
import xgboost_ray
from xgboost_ray.session import get_rabit_rank, put_queue

from training.boosted import Boosted, boosted, parameters
from training.config import BoostingConfig, Workers
from training.shard_matrix import ShardMatrix

Tell = Callable[[float], None]
"""Told the loss on newer rows; found again by its name in the trial's process."""
_NEWER = "newer"
_METRIC = "quantile"


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOnActors:
    """Fits quantiles as a trial does: all rounds, watching newer rows but never stopping by them.

    Attributes:
        workers: Actors; the trial's placement group has a bundle for each.
        tell: Told after half of the rounds how the newer rows are met; `None` for nobody.
    """

    workers: Workers
    tell: Tell | None = None

    def __call__(
        self, fit: Sequence[Path], newer: Sequence[Path], config: BoostingConfig
    ) -> Boosted:
        """Fit one booster for all levels of *config* on the shards *fit*."""
        watched: dict[str, Any] = {}
        if self.tell is not None and newer:
            watched = {"evals": [(ShardMatrix(newer), _NEWER)]}
            watched["callbacks"] = [Halfway(rounds=config.rounds, tell=self.tell)]
        count = min(self.workers.count, len(fit), len(newer) or len(fit))
        booster = xgboost_ray.train(
            {**parameters(config), "eval_metric": _METRIC},
            ShardMatrix(fit),
            num_boost_round=config.rounds,
            verbose_eval=False,
            ray_params=xgboost_ray.RayParams(
                num_actors=count,
                cpus_per_actor=self.workers.cpus_each,
                max_actor_restarts=1,
                checkpoint_frequency=config.rounds,  # a trial that lost an actor begins anew
                verbose=False,
            ),
            **watched,
        )
        return boosted(booster, booster.num_boosted_rounds(), by="xgboost_ray")


class Halfway(xgboost.callback.TrainingCallback):
    """Tells after half of the rounds what the loss on the newer rows is, so that ASHA can stop.

    Args:
        rounds: All of them.
        tell: Called in the trial's process.
    """

    def __init__(self, *, rounds: int, tell: Tell) -> None:
        self._at, self._tell = max(1, rounds // 2), tell

    def after_iteration(self, _model: Any, epoch: int, evals_log: Any) -> bool:
        """Tell once; never stop the training."""
        if epoch + 1 == self._at and get_rabit_rank() == 0:
            put_queue(partial(self._tell, float(evals_log[_NEWER][_METRIC][-1])))
        return False
