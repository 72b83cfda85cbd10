"""Failure prediction: from a feature row to a calibrated probability. Knows no torch.

A score passes two calibrations: Platt's, fitted once when the model was trained, and a running
correction, fitted to what the model said of the project's builds that have finished since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from devmind.errors import CorruptBundle
from features.recent_outcomes import RecentOutcomes
from models.bundle import Bundle, Manifest
from models.calibration import sigmoid
from models.drift import Reference, references_of
from models.names import FAILURE_PREDICTOR
from models.network import InputGrid, Network
from models.past_scores import NOTHING, Past, read_past, write_past
from models.reasons import attribute_mixtures, columns_of
from models.running_correction import RunningCorrection, fit_correction

NETWORK = "network.safetensors"
PAST = "past.safetensors"
_COLUMNS, _VALUES, _SCORES = "inputs.columns", "inputs.values", "inputs.scores"

Floats = NDArray[np.float64]


class FailurePredictor:
    """Predicts whether queued builds will fail.

    Calibration it reads from the manifest: `platt_a`, `platt_b`, `base_rate` (share of failing
    builds in training), `min_history` (finished builds a project needs before it gets an answer
    of its own). Thresholds: `medium` and `high`, probabilities.

    Args:
        grid: The network's inputs, made of k features.
        network: The fitted ensemble, for the grid's inputs.
        manifest: The bundle's.
        past: What running corrections begin with, by project.
        references: Project -> how its rows were spread in training.

    Raises:
        ValueError: If grid, network and manifest do not fit each other.
    """

    def __init__(
        self,
        *,
        grid: InputGrid,
        network: Network,
        manifest: Manifest,
        past: Past | None = None,
        references: Mapping[str, Reference] | None = None,
    ) -> None:
        self.references = references or {}
        k, seen = len(manifest.features), len(grid.columns)
        if not 0 < seen == len(grid.values) or grid.columns.max() >= k:
            raise ValueError(f"{k} features, a grid of {grid.values.shape} for {grid.columns}")
        if network.inputs != 2 * seen:
            raise ValueError(f"a grid for {seen} features, a network of {network.inputs} inputs")
        self.manifest = manifest
        self._grid = grid
        self._network = network
        self._past = past or {}
        self._a, self._b = manifest.number("platt_a", 1.0), manifest.number("platt_b", 0.0)
        self.base_rate = manifest.number("base_rate")
        self.min_history = int(manifest.number("min_history", 0.0))
        self._medium = manifest.thresholds["medium"]
        self._high = manifest.thresholds["high"]
        columns = columns_of(manifest.features, manifest.groups)
        self._columns = {name: grid.inputs_of(where) for name, where in columns.items()}

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
            grid = InputGrid(
                columns=tensors.pop(_COLUMNS),
                values=tensors.pop(_VALUES),
                scores=tensors.pop(_SCORES),
            )
            network = Network(_members(tensors))
            past = read_past(bundle.files[PAST]) if PAST in bundle.files else None
            references = references_of(bundle)
            return cls(
                grid=grid,
                network=network,
                manifest=bundle.manifest,
                past=past,
                references=references,
            )
        except (SafetensorError, KeyError, ValueError) as error:
            raise CorruptBundle(
                bundle.name, f"{NETWORK} does not hold a network, or {PAST} its past ({error})"
            ) from error

    def predict(
        self, rows: NDArray[np.floating], *, running: RunningCorrection | None = None
    ) -> Floats:
        """Return the probability that each build of *rows* fails.

        Args:
            rows: (n, k).
            running: Of the rows' project, as `running` gives it; none by default.

        Returns:
            Probabilities (n,).
        """
        logits = self._network.logits(self._grid.encode(rows))
        return self._from_logits(logits, running or RunningCorrection())

    def logits(self, rows: NDArray[np.floating]) -> Floats:
        """Return the logits (n,) of *rows* (n, k) as Platt calibrated them, not yet corrected."""
        return self._calibrated(self._network.logits(self._grid.encode(rows)))

    def running(self, project: str, recent: RecentOutcomes) -> RunningCorrection:
        """Return the correction for builds of *project*, given what has finished there lately.

        A pure function of the bundle and *recent*: every replica finds the same. Builds that the
        weights have learned from are left out, as the model knows them by heart.
        """
        since = self.manifest.learned_until.get(project, -1)
        unseen = recent.where(recent.sequence > since)
        return self.correction(project, self.logits(unseen.rows), unseen.failed)

    def correction(
        self, project: str, logits: Floats, failed: NDArray[np.bool_]
    ) -> RunningCorrection:
        """Return what `running` does, for builds whose `logits` (m,) are known already."""
        before, failed_before = self._past.get(project, NOTHING)
        return fit_correction(
            np.concatenate([self._calibrated(before), logits]),
            np.concatenate([failed_before, failed]),
        )

    def explain(
        self,
        row: NDArray[np.floating],
        *,
        running: RunningCorrection | None = None,
        orderings: int = 16,
        seed: int = 0,
    ) -> dict[str, float]:
        """Return each feature group's part of the probability, against that of a typical build.

        Args:
            row: The build's row (k,).
            running: As for `predict`.
            orderings: More are steadier and slower.
            seed: Equal seeds give equal answers.

        Returns:
            Group -> probability it adds; together `predict(row) - predict(baseline)`, to 1e-6.
        """
        correction = running or RunningCorrection()
        inputs = self._grid.encode(np.stack([row, self.manifest.baseline_row]))
        return attribute_mixtures(
            lambda start, steps, taken: self._from_logits(
                self._network.mixture_logits(start, steps, taken), correction
            ),
            inputs[0],
            inputs[1],
            self._columns,
            orderings=orderings,
            seed=seed,
        )

    def _calibrated(self, raw: Floats) -> Floats:
        return self._a * raw + self._b

    def _from_logits(self, logits: Floats, correction: RunningCorrection) -> Floats:
        return sigmoid(correction.apply(self._calibrated(logits)))

    def risk_level(self, probability: float) -> str:
        """Return `low`, `medium` or `high`, by thresholds chosen on past builds."""
        if probability >= self._high:
            return "high"
        return "medium" if probability >= self._medium else "low"


def files(
    grid: InputGrid,
    members: Sequence[Mapping[str, NDArray[np.floating]]],
    past: Past | None = None,
) -> dict[str, bytes]:
    """Return the files of a bundle for a fitted ensemble.

    Args:
        grid: What `fit_grid` learned from the training rows.
        members: State dicts of the members as arrays, named as `models.network` says.
        past: What running corrections begin with; the newest `BUILDS` of a project are kept.

    Raises:
        ValueError: If the members are not such networks.
    """
    Network(members)
    tensors = {
        f"member{number}.{name}": np.ascontiguousarray(value)
        for number, member in enumerate(members)
        for name, value in member.items()
    }
    inputs = {_COLUMNS: grid.columns, _VALUES: grid.values, _SCORES: grid.scores}
    network = save_tensors({**tensors, **inputs})
    return {NETWORK: network, PAST: write_past(past or {})}


def _members(tensors: Mapping[str, NDArray[np.floating]]) -> list[dict[str, NDArray[np.floating]]]:
    found: dict[str, dict[str, NDArray[np.floating]]] = {}
    for name, value in tensors.items():
        member, _, parameter = name.partition(".")
        found.setdefault(member, {})[parameter] = value
    return [found[f"member{number}"] for number in range(len(found))]
