"""The bundle's failure network in torch: the library's predictor, same answers within 1e-6."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.network import InputGrid


class FailureNetwork(nn.Module):
    """Rows (n, k) to the mean logit (n, 1) of the members, inputs encoded as in serving.

    Args:
        arrays: `inputs.columns`, `inputs.values`, `inputs.scores`, and each member's parameters
            as `NUMBER/NAME`.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        super().__init__()
        names = ("columns", "values", "scores")
        self.grid = InputGrid(**{name: arrays[f"inputs.{name}"] for name in names})
        count = 1 + max(int(name.split("/")[0]) for name in arrays if "/" in name)
        self.members = nn.ModuleList(_member(arrays, f"{number}/") for number in range(count))
        self.eval()

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the logits of *rows*, float32 (n, k)."""
        inputs = torch.from_numpy(self.grid.encode(rows.numpy()))
        return torch.stack([member(inputs) for member in self.members]).mean(dim=0)


def _member(arrays: Mapping[str, NDArray[Any]], prefix: str) -> nn.Sequential:
    state = {
        name.removeprefix(prefix): torch.from_numpy(np.asarray(value, dtype=np.float32))
        for name, value in arrays.items()
        if name.startswith(prefix)
    }
    numbers = sorted({int(name.split(".")[0]) for name in state})
    layers: list[nn.Module] = []
    for number in range(numbers[-1] + 1):
        weight = state.get(f"{number}.weight")
        if weight is None:
            layers.append(nn.ReLU() if f"{number - 1}.weight" in state else nn.Dropout(0.0))
        elif weight.ndim > 1:
            layers.append(nn.Linear(weight.shape[1], weight.shape[0]))
        else:
            layers.append(nn.LayerNorm(weight.shape[0]))
    member = nn.Sequential(*layers)
    member.load_state_dict(state)
    return member
