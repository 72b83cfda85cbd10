"""One network of the failure ensemble, trained in steps that can be taken up again.

Everything random is drawn anew at the start of an epoch from the seed, the worker's rank and the
epoch's number. So a member that goes on from a checkpoint, in another process and on another
node, ends with the very weights it would have had undisturbed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.network import InputGrid
from training.config import NetworkConfig
from training.shards import Columns

State = dict[str, NDArray[np.float32]]
_OF_WORKERS, _OF_EPOCHS = 104_729, 1_299_709


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkTask:
    """Everything a worker needs: where its rows are and how to learn from them.

    Attributes:
        shards: One for each worker that shares the rows, in the order of rank.
        rows: In all shards together.
        names: The features, in order.
        grid: Learned from the same rows.
        config: The knobs, the seed included.
        checkpoint_steps: After so many steps, the end of an epoch is kept.
    """

    shards: tuple[Path, ...]
    rows: int
    names: tuple[str, ...]
    grid: InputGrid
    config: NetworkConfig
    checkpoint_steps: int = 2_000

    def steps(self, world: int) -> int:
        """Return the steps of an epoch, the same on each of *world* workers."""
        batch = max(1, self.config.batch // world)
        return max(1, math.ceil(self.rows // world / batch))

    def epochs(self, world: int) -> int:
        """Return the epochs; more of them where there are few steps in each."""
        return max(self.config.epochs, math.ceil(self.config.least_steps / self.steps(world)))


class Member:
    """A network, its optimizer and its learning rate, in step with those of other workers.

    Args:
        columns: Inputs float32 (n, 2c) as the grid made them, labels (n,) and weights (n,) of this
            worker's rows; weights have a mean of 1 over all workers.
        task: For its configuration and the number of rows in all.
        seed: Of the weights, the order of rows and dropout.
        rank: This worker's number.
        world: How many there are.
    """

    def __init__(
        self, columns: Columns, task: NetworkTask, *, seed: int, rank: int = 0, world: int = 1
    ) -> None:
        import torch  # noqa: PLC0415 - slow, and only training pays for it

        torch.set_num_threads(1)
        torch.manual_seed(seed)
        self._seed = seed + _OF_WORKERS * (rank + 1)
        self.epochs, self._steps, self.epoch = task.epochs(world), task.steps(world), 0
        self._columns = [torch.from_numpy(array) for array in columns]
        self._plain: Any = build_network(columns[0].shape[1], task.config)
        self._network = self._plain
        if world > 1:
            self._network = torch.nn.parallel.DistributedDataParallel(self._plain)
        rate = task.config.learning_rate
        self._optimizer = torch.optim.AdamW(
            self._plain.parameters(), lr=rate, weight_decay=task.config.weight_decay
        )
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer, max_lr=rate, total_steps=self._steps * self.epochs
        )

    def learn_epoch(self) -> None:
        """Look at each of this worker's rows once."""
        import torch  # noqa: PLC0415 - as above

        torch.manual_seed(self._seed + _OF_EPOCHS * self.epoch)
        order = torch.randperm(len(self._columns[0]))
        for chosen in torch.tensor_split(order, self._steps):
            x, y, w = (tensor[chosen] for tensor in self._columns)
            loss: Any = torch.nn.functional.binary_cross_entropy_with_logits(
                self._network(x)[:, 0], y, weight=w
            )
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()
            self._schedule.step()
        self.epoch += 1

    def weights(self) -> State:
        """Return the parameters as of now, named as `models.network` says."""
        return {name: value.numpy().copy() for name, value in self._plain.state_dict().items()}

    def moments(self) -> State:
        """Return what AdamW remembers: `PARAMETER/NAME` -> array."""
        remembered: Mapping[int, Any] = self._optimizer.state_dict()["state"]
        return {
            f"{place}/{name}": value.numpy().copy()
            for place, values in remembered.items()
            for name, value in values.items()
        }

    def go_on(self, epoch: int, weights: State, moments: State) -> None:
        """Take up where *epoch* epochs had ended, with what was remembered then."""
        import torch  # noqa: PLC0415 - as above

        self._plain.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in weights.items()})
        remembered: dict[int, dict[str, Any]] = {}
        for key, value in moments.items():
            place, _, name = key.partition("/")
            remembered.setdefault(int(place), {})[name] = torch.from_numpy(np.array(value))
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": remembered, "param_groups": groups})
        steps = self._steps * epoch
        if steps < self._steps * self.epochs:  # learning rate and momentum follow from the step
            self._schedule.load_state_dict({"last_epoch": steps - 1, "_step_count": steps + 1})
            self._schedule.step()
        self.epoch = epoch


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
