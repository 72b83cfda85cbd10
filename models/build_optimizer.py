"""Duration prediction: from a feature row to p10, p50 and p90 in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from devmind.errors import CorruptBundle
from models.bundle import Bundle, Manifest
from models.names import BUILD_OPTIMIZER
from models.reasons import attribute, columns_of

QUANTILES = (0.1, 0.5, 0.9)
BOOSTER = "booster.ubj"
_MOST = 20.0  # log seconds, 15 years: a float that explodes is no duration


class Regressor(Protocol):
    """Anything that maps features (n, k) to quantiles (n, 3) of log1p seconds."""

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.floating]:
        """Return raw quantiles, in the order of `QUANTILES`, perhaps crossing."""
        ...


class BuildOptimizer:
    """Predicts how long queued builds will run.

    Calibration it reads from the manifest: `cqr_low` and `cqr_high` (log1p seconds; how far the
    raw p10 and p90 move outwards so that the interval covers what it says), `min_history`.

    Args:
        regressor: The fitted model.
        manifest: The bundle's.
    """

    def __init__(self, *, regressor: Regressor, manifest: Manifest) -> None:
        self.manifest = manifest
        self._regressor = regressor
        low, high = manifest.number("cqr_low", 0.0), manifest.number("cqr_high", 0.0)
        self._offsets = np.array([-low, 0.0, high])
        self.min_history = int(manifest.number("min_history", 0.0))
        self._columns = columns_of(manifest.features, manifest.groups)

    @classmethod
    def load(cls, bundle: Bundle, names: Sequence[str]) -> BuildOptimizer:
        """Return the predictor of *bundle* for rows with columns *names*.

        Raises:
            FeatureSchemaMismatch: If it was trained on other features.
            CorruptBundle: If the bundle does not hold such a booster.
        """
        bundle.check(BUILD_OPTIMIZER, names)
        regressor = _Booster(bundle.file(BOOSTER), bundle.name, len(tuple(names)))
        return cls(regressor=regressor, manifest=bundle.manifest)

    def predict(self, rows: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return p10, p50, p90 of the duration of each build of *rows* (n, k): seconds (n, 3).

        Ascending in each row and never negative.
        """
        raw = self._regressor.predict(np.ascontiguousarray(rows, dtype=np.float32))
        return from_log_seconds(np.sort(np.asarray(raw, dtype=np.float64), axis=1) + self._offsets)

    def explain(
        self, row: NDArray[np.floating], *, orderings: int = 16, seed: int = 0
    ) -> dict[str, float]:
        """Return each feature group's part of p50, against that of a typical build.

        Args:
            row: The build's row (k,).
            orderings: More are steadier and slower.
            seed: Equal seeds give equal answers.

        Returns:
            Group -> seconds it adds; together `p50(row) - p50(baseline)`.
        """
        return attribute(
            lambda rows: self.predict(rows)[:, 1],
            np.asarray(row, dtype=np.float32),
            self.manifest.baseline_row,
            self._columns,
            orderings=orderings,
            seed=seed,
        )


def to_log_seconds(seconds: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return what the model learns: log1p of seconds."""
    return np.log1p(np.asarray(seconds, dtype=np.float64))


def from_log_seconds(quantiles: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return ascending, non-negative seconds (n, 3) for quantiles of log1p seconds."""
    return np.asarray(np.expm1(np.clip(np.sort(quantiles, axis=1), 0.0, _MOST)), dtype=np.float64)


def files(booster: bytes) -> dict[str, bytes]:
    """Return the files of a bundle for a booster.

    Args:
        booster: `booster.save_raw("ubj")` of an XGBoost model with the objective
            `reg:quantileerror` at `QUANTILES` on `to_log_seconds`, cut to its best iteration.
    """
    return {BOOSTER: bytes(booster)}


class _Booster:
    def __init__(self, body: bytes, bundle: str, features: int) -> None:
        import xgboost  # noqa: PLC0415 - heavy; only a replica that serves this model pays

        self._booster = xgboost.Booster({"nthread": 1})
        try:
            self._booster.load_model(bytearray(body))
            got = self.predict(np.zeros((1, features), dtype=np.float32)).shape
        except (xgboost.core.XGBoostError, ValueError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise CorruptBundle(bundle, f"{BOOSTER} does not hold a booster ({reason})") from error
        if got != (1, len(QUANTILES)):
            raise CorruptBundle(bundle, f"{BOOSTER} predicts {got[1:]} numbers a build, not 3")

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.floating]:
        found = np.asarray(self._booster.inplace_predict(rows, validate_features=False))
        return found.reshape(len(rows), -1)
