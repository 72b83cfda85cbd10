"""Boosted quantiles by Ray Train: the backend beside `xgboost_ray`, which nobody maintains.

A worker that dies is replaced, and all go on from the newest checkpoint: a booster as UBJ.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.boosted import Boosted, boosted, parameters
from training.config import BoostingConfig, Workers
from training.shards import read_shards

CHECKPOINT_ROUNDS = 20
_BOOSTER = "booster.ubj"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostingTask:
    """Everything a worker needs.

    Attributes:
        fit: Shards, at least one a worker.
        stopping: Shards of newer rows, at least one a worker, or none at all.
        config: The knobs, the seed included.
        callbacks: Of type `xgboost.callback.TrainingCallback`.
    """

    fit: tuple[Path, ...]
    stopping: tuple[Path, ...]
    config: BoostingConfig
    callbacks: tuple[Any, ...]


def fit_by_ray_train(
    fit: Sequence[Path],
    stopping: Sequence[Path],
    config: BoostingConfig,
    *,
    workers: Workers,
    callbacks: Sequence[Any] = (),
) -> Boosted:
    """Fit one booster for all levels of *config*; see `training.fit_xgboost.fit_quantiles`.

    Checkpoints go beside the shards, which every worker reaches, and end with the fit.

    Raises:
        ray.train.TrainingFailedError: If workers died more often than is tolerated.
    """
    from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig  # noqa: PLC0415
    from ray.train.xgboost import XGBoostTrainer  # noqa: PLC0415 - slow; only training pays

    task = BoostingTask(
        fit=tuple(fit), stopping=tuple(stopping), config=config, callbacks=tuple(callbacks)
    )
    with tempfile.TemporaryDirectory(prefix="boosting-", dir=fit[0].parent.resolve()) as storage:
        trainer = XGBoostTrainer(
            boost,
            train_loop_config={"task": task},
            scaling_config=ScalingConfig(
                num_workers=min(workers.count, len(fit), len(stopping) or len(fit)),
                resources_per_worker={"CPU": workers.cpus_each},
                placement_strategy="SPREAD",
            ),
            run_config=RunConfig(
                name="boosting",
                storage_path=storage,
                failure_config=FailureConfig(max_failures=3),
                checkpoint_config=CheckpointConfig(num_to_keep=1),
            ),
        )
        checkpoint: Any = trainer.fit().checkpoint
        with checkpoint.as_directory() as folder:
            booster = _read(Path(folder))
    stopped = bool(stopping) and hasattr(booster, "best_iteration")
    rounds = booster.best_iteration + 1 if stopped else booster.num_boosted_rounds()
    return boosted(booster, rounds, by="ray_train")


def boost(config: dict[str, Any]) -> None:
    """Run on each worker: boost in step with the others, from the newest checkpoint on."""
    import ray.train  # noqa: PLC0415 - as above
    import xgboost  # noqa: PLC0415 - as above

    task: BoostingTask = config["task"]
    context = ray.train.get_context()
    rank, world = context.get_world_rank(), context.get_world_size()
    booster = None
    if before := ray.train.get_checkpoint():
        with before.as_directory() as folder:
            booster = _read(Path(folder))
    stop: dict[str, Any] = {}
    matrix = _matrix(task.fit[rank::world])
    if task.stopping:
        stop = {"evals": [(_matrix(task.stopping[rank::world]), "stopping")]}
        stop["early_stopping_rounds"] = task.config.patience
    xgboost.train(
        parameters(task.config),
        matrix,
        num_boost_round=task.config.rounds - (booster.num_boosted_rounds() if booster else 0),
        verbose_eval=False,
        xgb_model=booster,
        callbacks=[*task.callbacks, _checkpoints(rank)],
        **stop,
    )


def _matrix(shards: Sequence[Path]) -> Any:
    import xgboost  # noqa: PLC0415 - as above

    rows, label, weight = read_shards(shards)
    return xgboost.DMatrix(rows, label, weight=weight)


def _checkpoints(rank: int) -> Any:
    """Return a callback that reports the booster now and then, and at the end."""
    import ray.train  # noqa: PLC0415 - as above
    from xgboost.callback import TrainingCallback  # noqa: PLC0415 - as above

    def report(booster: Any) -> None:
        rounds = booster.num_boosted_rounds()
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = None
            if rank == 0:
                booster.save_model(str(Path(folder) / _BOOSTER))
                checkpoint = ray.train.Checkpoint.from_directory(folder)
            ray.train.report({"rounds": rounds}, checkpoint=checkpoint)

    class Checkpoints(TrainingCallback):
        """Of this worker."""

        def after_iteration(self, model: Any, epoch: int, _evals_log: Any) -> bool:
            if (epoch + 1) % CHECKPOINT_ROUNDS == 0:
                report(model)
            return False

        def after_training(self, model: Any) -> Any:
            report(model)
            return model

    return Checkpoints()


def _read(folder: Path) -> Any:
    import xgboost  # noqa: PLC0415 - as above

    booster = xgboost.Booster()
    booster.load_model(str(folder / _BOOSTER))
    return booster
