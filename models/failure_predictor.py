"""Failure prediction: from a feature row to a calibrated probability. Knows no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from devmind.errors import CorruptBundle
from models.bundle import Bundle, Manifest
from models.calibration import platt
from models.names import FAILURE_PREDICTOR
from models.network import InputGrid, Network
from models.reasons import attribute, columns_of

NETWORK = "network.safetensors"
_VALUES, _SCORES = "inputs.values", "inputs.scores"


class FailurePredictor:
    """Predicts whether queued builds will fail.

    Calibration it reads from the manifest: `platt_a`, `platt_b`, `base_rate` (share of failing
    builds in training), `min_history` (finished builds a project needs before it gets an answer
    of its own). Thresholds: `medium` and `high`, probabilities.

    Args:
        grid: The network's inputs, for k features.
        network: The fitted ensemble, for 2k inputs.
        manifest: The bundle's.

    Raises:
        ValueError: If the three do not fit each other.
    """

    def __init__(self, *, grid: InputGrid, network: Network, manifest: Manifest) -> None:
        k = len(manifest.features)
        if grid.values.shape[0] != k or network.inputs != 2 * k:
            raise ValueError(
                f"{k} features, a grid of {grid.values.shape}, {network.inputs} inputs"
            )
        self.manifest = manifest
        self._grid = grid
        self._network = network
        self._a, self._b = manifest.number("platt_a", 1.0), manifest.number("platt_b", 0.0)
        self.base_rate = manifest.number("base_rate")
        self.min_history = int(manifest.number("min_history", 0.0))
        self._medium = manifest.thresholds["medium"]
        self._high = manifest.thresholds["high"]
        columns = columns_of(manifest.features, manifest.groups)
        self._columns = {name: np.append(where, where + k) for name, where in columns.items()}

    @classmethod
    def load(cls, bundle: Bundle, names: Sequence[str]) -> FailurePredictor:
        """Return the predictor of *bundle* for rows with columns *names*.

        Raises:
            FeatureSchemaMismatch: If it was trained on other features.
            CorruptBundle: If the bundle does not hold such a network.
        """
        bundle.check(FAILURE_PREDICTOR, names)
        try:
            tensors = load_tensors(bundle.file(NETWORK))
            grid = InputGrid(values=tensors.pop(_VALUES), scores=tensors.pop(_SCORES))
            network = Network(_members(tensors))
            return cls(grid=grid, network=network, manifest=bundle.manifest)
        except (SafetensorError, KeyError, ValueError) as error:
            raise CorruptBundle(
                bundle.name, f"{NETWORK} does not hold a network ({error})"
            ) from error

    def predict(self, rows: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the probability that each build of *rows* (n, k) fails: (n,)."""
        return self._from_inputs(self._grid.encode(rows))

    def explain(
        self, row: NDArray[np.floating], *, orderings: int = 16, seed: int = 0
    ) -> dict[str, float]:
        """Return each feature group's part of the probability, against that of a typical build.

        Args:
            row: The build's row (k,).
            orderings: More are steadier and slower.
            seed: Equal seeds give equal answers.

        Returns:
            Group -> probability it adds; together `predict(row) - predict(baseline)`.
        """
        inputs = self._grid.encode(np.stack([row, self.manifest.baseline_row]))
        return attribute(
            self._from_inputs, inputs[0], inputs[1], self._columns, orderings=orderings, seed=seed
        )

    def _from_inputs(self, inputs: NDArray[np.floating]) -> NDArray[np.float64]:
        return platt(self._network.logits(inputs), self._a, self._b)

    def risk_level(self, probability: float) -> str:
        """Return `low`, `medium` or `high`, by thresholds chosen on past builds."""
        if probability >= self._high:
            return "high"
        return "medium" if probability >= self._medium else "low"


def files(
    grid: InputGrid, members: Sequence[Mapping[str, NDArray[np.floating]]]
) -> dict[str, bytes]:
    """Return the files of a bundle for a fitted ensemble.

    Args:
        grid: What `fit_grid` learned from the training rows.
        members: State dicts of the members as arrays, named as `models.network` says.

    Raises:
        ValueError: If the members are not such networks.
    """
    Network(members)
    tensors = {
        f"member{number}.{name}": np.ascontiguousarray(value)
        for number, member in enumerate(members)
        for name, value in member.items()
    }
    return {NETWORK: save_tensors({**tensors, _VALUES: grid.values, _SCORES: grid.scores})}


def _members(tensors: Mapping[str, NDArray[np.floating]]) -> list[dict[str, NDArray[np.floating]]]:
    found: dict[str, dict[str, NDArray[np.floating]]] = {}
    for name, value in tensors.items():
        member, _, parameter = name.partition(".")
        found.setdefault(member, {})[parameter] = value
    return [found[f"member{number}"] for number in range(len(found))]
