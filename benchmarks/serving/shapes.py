"""Models of the shape that training fits by default, fitted to made-up rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import xgboost
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from benchmarks.training.made_up import made_up_builds
from models.network import Network, fit_grid
from training.boosted import parameters
from training.config import BoostingConfig, ForestConfig, NetworkConfig

COLUMNS = 90
LEVELS = BoostingConfig().levels
_FITTED, _ASKED = 8_000, 5_000
Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Fitted models, and rows to ask them.

    Attributes:
        booster: As UBJ.
        forest: scikit-learn's.
        torch_logits: The ensemble by PyTorch, for feature rows.
        network_logits: The same by numpy.
        rows: float32 (5000, k); one value in twenty is unknown.
    """

    booster: bytes
    forest: Any
    torch_logits: Callable[[Rows], NDArray[Any]]
    network_logits: Callable[[Rows], NDArray[Any]]
    rows: Rows


def fitted() -> Models:
    """Fit them, in one thread."""
    torch.set_num_threads(1)
    seen = made_up_builds(_FITTED, COLUMNS, seed=0)
    modules = [_module(2 * COLUMNS, seed) for seed in range(NetworkConfig().members)]
    network = Network([{k: v.numpy() for k, v in m.state_dict().items()} for m in modules])
    grid = fit_grid(seen.rows)

    @torch.inference_mode()
    def by_torch(rows: Rows) -> NDArray[Any]:
        x = torch.from_numpy(grid.encode(rows))
        return np.asarray(torch.stack([module(x)[:, 0] for module in modules]).mean(dim=0))

    return Models(
        booster=_booster(seen.rows, np.log1p(seen.duration_s)),
        forest=_forest(seen.rows, seen.failed),
        torch_logits=by_torch,
        network_logits=lambda rows: network.logits(grid.encode(rows)),
        rows=made_up_builds(_ASKED, COLUMNS, seed=1).rows,
    )


def _booster(rows: Rows, target: NDArray[np.float64]) -> bytes:
    config = BoostingConfig()
    matrix = xgboost.QuantileDMatrix(rows, target)
    model = xgboost.train({**parameters(config), "nthread": 1}, matrix, config.rounds)
    return bytes(model.save_raw("ubj"))


def _forest(rows: Rows, failed: NDArray[np.bool_]) -> RandomForestClassifier:
    config = ForestConfig()
    forest = RandomForestClassifier(
        n_estimators=config.trees,
        max_depth=config.max_depth,
        min_samples_leaf=config.min_samples_leaf,
        max_features=config.max_features,
        max_samples=config.row_share,
        random_state=0,
        n_jobs=1,
    )
    return forest.fit(rows, failed)


def _module(inputs: int, seed: int) -> torch.nn.Sequential:
    torch.manual_seed(seed)
    widths = (inputs, *NetworkConfig().hidden)
    layers: list[torch.nn.Module] = []
    for before, after in pairwise(widths):
        layers += [
            torch.nn.Linear(before, after),
            torch.nn.LayerNorm(after),
            torch.nn.ReLU(),
            torch.nn.Dropout(),
        ]
    return torch.nn.Sequential(*layers, torch.nn.Linear(widths[-1], 1)).eval()
