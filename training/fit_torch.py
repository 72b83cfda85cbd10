"""The failure network, trained by Ray Train: data-parallel over gloo, on CPUs.

A worker that dies is replaced, and training goes on with the members not finished yet. Weights
come back as a safetensors file in a checkpoint; nothing is unpickled.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.network import InputGrid
from training.config import NetworkConfig, Workers, seeds
from training.shards import read_shard

State = dict[str, NDArray[np.float32]]
_WEIGHTS = "members.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkTask:
    """Everything a worker needs: where its rows are and how to learn from them.

    Attributes:
        shards: One for each worker, in the order of rank.
        rows: In all shards together.
        names: The features, in order.
        grid: Learned from the same rows.
        config: The knobs, the seed included.
    """

    shards: tuple[Path, ...]
    rows: int
    names: tuple[str, ...]
    grid: InputGrid
    config: NetworkConfig


def fit_network(task: NetworkTask, *, storage: Path, workers: Workers) -> list[State]:
    """Train the members of the ensemble, one after the other, each on all workers.

    Args:
        task: What to learn from; as many shards as there will be workers.
        storage: Folder that all workers reach, for checkpoints.
        workers: Must fit into what the cluster has free.

    Returns:
        The members' parameters, named as `models.network` says.

    Raises:
        ray.train.TrainingFailedError: If workers died more often than is tolerated.
    """
    import ray.train.torch  # noqa: PLC0415 - slow, and only training pays for it
    from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig  # noqa: PLC0415

    trainer = ray.train.torch.TorchTrainer(
        train_members,
        train_loop_config={"task": task},
        torch_config=ray.train.torch.TorchConfig(backend="gloo"),
        scaling_config=ScalingConfig(
            num_workers=len(task.shards),
            use_gpu=False,
            resources_per_worker={"CPU": workers.cpus_each},
        ),
        run_config=RunConfig(
            name="failure-network",
            storage_path=str(storage.resolve()),
            failure_config=FailureConfig(max_failures=2),
            checkpoint_config=CheckpointConfig(num_to_keep=1),
        ),
    )
    checkpoint: Any = trainer.fit().checkpoint
    with checkpoint.as_directory() as folder:
        return _read(Path(folder))


def train_members(config: dict[str, Any]) -> None:
    """Run on each worker: train what is not trained yet, report after each member."""
    import ray.train  # noqa: PLC0415 - as above

    task: NetworkTask = config["task"]
    context = ray.train.get_context()
    done: list[State] = []
    if before := ray.train.get_checkpoint():
        with before.as_directory() as folder:
            done = _read(Path(folder))
    rank, world = context.get_world_rank(), context.get_world_size()
    rows, label, weight = read_shard(task.shards[rank], task.names)
    inputs = task.grid.encode(rows)
    for seed in seeds(task.config.seed, task.config.members)[len(done) :]:
        done.append(train_member(inputs, label, weight, task, seed=seed, rank=rank, world=world))
        with tempfile.TemporaryDirectory() as folder:
            metrics = {"members": len(done)}
            if rank == 0:
                _write(Path(folder), done)
                checkpoint = ray.train.Checkpoint.from_directory(folder)
                ray.train.report(metrics, checkpoint=checkpoint)
            else:
                ray.train.report(metrics)


def train_member(  # noqa: PLR0913 - a worker's whole world
    inputs: NDArray[np.float32],
    label: NDArray[np.float32],
    weight: NDArray[np.float32],
    task: NetworkTask,
    *,
    seed: int,
    rank: int = 0,
    world: int = 1,
) -> State:
    """Train one network on this worker's rows, in step with the other workers.

    Equal seeds and equal shards give equal weights.

    Args:
        inputs: float32 (n, 2c), what the grid made of this worker's rows.
        label: float32 (n,), 1 for a failed build.
        weight: float32 (n,), mean 1 over all workers.
        task: For its configuration and the number of rows in all.
        seed: Of the weights, the order of rows and dropout.
        rank: This worker's number.
        world: How many there are.
    """
    import torch  # noqa: PLC0415 - as above

    config = task.config
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    network: Any = build_network(inputs.shape[1], config)
    if world > 1:
        network = torch.nn.parallel.DistributedDataParallel(network)
    torch.manual_seed(seed + 104_729 * (rank + 1))
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    tensors = [torch.from_numpy(array) for array in (inputs, label, weight)]
    batch = max(1, config.batch // world)
    steps = max(1, math.ceil(task.rows // world / batch))
    epochs = max(config.epochs, math.ceil(config.least_steps / steps))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=config.learning_rate, total_steps=steps * epochs
    )
    for _ in range(epochs):
        order = torch.randperm(len(inputs))
        for chosen in torch.tensor_split(order, steps):
            x, y, w = (tensor[chosen] for tensor in tensors)
            loss: Any = torch.nn.functional.binary_cross_entropy_with_logits(
                network(x)[:, 0], y, weight=w
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    plain = network.module if world > 1 else network
    return {name: value.detach().numpy().copy() for name, value in plain.state_dict().items()}


def build_network(inputs: int, config: NetworkConfig) -> Any:
    """Return the untrained `torch.nn.Sequential` whose layers `models.network` names."""
    from torch import nn  # noqa: PLC0415 - as above

    layers: list[Any] = []
    for width in config.hidden:
        layers += [
            nn.Linear(inputs, width),
            nn.LayerNorm(width),
            nn.ReLU(),
            nn.Dropout(config.dropout),
        ]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, 1))


def _write(folder: Path, members: Sequence[State]) -> None:
    from safetensors.numpy import save_file  # noqa: PLC0415 - as above

    tensors = {f"{i}/{name}": a for i, state in enumerate(members) for name, a in state.items()}
    save_file(tensors, folder / _WEIGHTS)


def _read(folder: Path) -> list[State]:
    from safetensors.numpy import load_file  # noqa: PLC0415 - as above

    members: dict[int, State] = {}
    for key, value in load_file(folder / _WEIGHTS).items():
        number, _, name = key.partition("/")
        members.setdefault(int(number), {})[name] = value
    return [members[number] for number in sorted(members)]
