"""The failure network, trained by Ray Train: data-parallel over gloo, on CPUs.

A worker that dies is replaced, on another node if its own is gone, and training goes on from the
newest checkpoint: members that are trained are not trained again, nor are the epochs kept of the
one under way. The result is that of an undisturbed training, bit by bit.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.config import Workers, seeds
from training.faults import unwrapped
from training.network_checkpoint import Progress, read_progress, write_progress
from training.network_member import Member, NetworkTask, State
from training.shards import Columns, read_shard, rows_of

__all__ = ["NetworkTask", "State", "fit_network", "train_member", "train_members"]


def fit_network(task: NetworkTask, *, storage: Path, workers: Workers) -> list[State]:
    """Train the members of the ensemble, one after the other, each on all workers.

    Args:
        task: What to learn from; as many shards as there will be workers.
        storage: Folder that all workers reach, for checkpoints.
        workers: Must fit into what the cluster has free.

    Returns:
        The members' parameters, named as `models.network` says.

    Raises:
        UnreadableSource: If a shard is missing, truncated or damaged.
        ray.train.TrainingFailedError: If workers died more often than is tolerated.
    """
    import ray.train.torch  # noqa: PLC0415 - slow, and only training pays for it
    from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig  # noqa: PLC0415

    rows_of(task.shards)
    trainer = ray.train.torch.TorchTrainer(
        train_members,
        train_loop_config={"task": task},
        torch_config=ray.train.torch.TorchConfig(backend="gloo"),
        scaling_config=ScalingConfig(
            num_workers=len(task.shards),
            use_gpu=False,
            resources_per_worker={"CPU": workers.cpus_each},
            placement_strategy="SPREAD",
        ),
        run_config=RunConfig(
            name="failure-network",
            storage_path=str(storage.resolve()),
            failure_config=FailureConfig(max_failures=3),
            checkpoint_config=CheckpointConfig(num_to_keep=1),
        ),
    )
    with unwrapped():
        checkpoint: Any = trainer.fit().checkpoint
    with checkpoint.as_directory() as folder:
        return list(read_progress(Path(folder)).done)


def train_members(config: dict[str, Any]) -> None:
    """Run on each worker: train what is not trained yet, report as `NetworkTask` says."""
    import ray.train  # noqa: PLC0415 - as above

    task: NetworkTask = config["task"]
    context = ray.train.get_context()
    rank, world = context.get_world_rank(), context.get_world_size()
    progress = Progress()
    if before := ray.train.get_checkpoint():
        with before.as_directory() as folder:
            progress = read_progress(Path(folder))
    rows, label, weight = read_shard(task.shards[rank], task.names)
    columns = (task.grid.encode(rows), label, weight)
    for seed in seeds(task.config.seed, task.config.members)[len(progress.done) :]:
        member = Member(columns, task, seed=seed, rank=rank, world=world)
        progress = _trained(member, task, progress, rank=rank, world=world)


def _trained(
    member: Member, task: NetworkTask, progress: Progress, *, rank: int, world: int
) -> Progress:
    """Train *member* from where *progress* says; return progress with it among the done."""
    done, kept = progress.done, progress.epoch
    if progress.epoch:
        member.go_on(progress.epoch, progress.weights, progress.moments)
    while member.epoch < member.epochs:
        member.learn_epoch()
        steps = (member.epoch - kept) * task.steps(world)
        if member.epoch < member.epochs and steps >= task.checkpoint_steps:
            kept = member.epoch
            now = {"weights": member.weights(), "moments": member.moments()}
            _report(Progress(done=done, epoch=kept, **now), rank)
    progress = Progress(done=(*done, member.weights()))
    _report(progress, rank)
    return progress


def _report(progress: Progress, rank: int) -> None:
    import ray.train  # noqa: PLC0415 - as above

    metrics = {"members": len(progress.done), "epoch": progress.epoch}
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = None
        if rank == 0:
            write_progress(Path(folder), progress)
            checkpoint = ray.train.Checkpoint.from_directory(folder)
        ray.train.report(metrics, checkpoint=checkpoint)


def train_member(
    inputs: NDArray[np.float32],
    label: NDArray[np.float32],
    weight: NDArray[np.float32],
    task: NetworkTask,
    *,
    seed: int,
) -> State:
    """Train one network on all rows in this process.

    Equal seeds and equal rows give equal weights.

    Args:
        inputs: float32 (n, 2c), what the grid made of the rows.
        label: float32 (n,), 1 for a failed build.
        weight: float32 (n,), with a mean of 1.
        task: For its configuration and the number of rows.
        seed: Of the weights, the order of rows and dropout.
    """
    columns: Columns = (inputs, label, weight)
    member = Member(columns, task, seed=seed)
    while member.epoch < member.epochs:
        member.learn_epoch()
    return member.weights()
