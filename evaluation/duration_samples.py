"""Durations as figures: errors in seconds, and what the interval holds."""

from __future__ import annotations

import numpy as np

from evaluation.measures import DURATION
from evaluation.results import Durations, Floats
from evaluation.samples import MODEL, Measured, Sample, Size
from models.metrics import coverage, mae, median_error, pinball, rmse
from models.resampling import Rows, block_length

LEVELS = (0.1, 0.5, 0.9)
_LEAST_S = 1.0
"""Predictions below this are taken for it where widths are relative to them."""


def sample(found: Durations) -> Sample:
    """Return what can be measured about a project's durations."""
    units = len(found.actual_s)
    rules = {rule: _rule(found.actual_s, said) for rule, said in found.baselines_s.items()}
    return Sample(
        project=found.project,
        units=units,
        block=block_length(units),
        rules={MODEL: _model(found), **rules},
        sizes=dict.fromkeys(DURATION, Size(n=units)),
    )


def _model(found: Durations) -> Measured:
    def measured(rows: Rows) -> dict[str, float]:
        actual, said = found.actual_s[rows], found.quantiles_s[rows]
        low, middle, high = said.T
        width = high - low
        relative = width / np.maximum(middle, _LEAST_S)
        return {
            "rmse_s": rmse(actual, found.mean_s[rows]),
            "mae_s": mae(actual, middle),
            "median_error_s": median_error(actual, middle),
            "pinball_s": pinball(actual, said, levels=LEVELS),
            "coverage": coverage(actual, low, high),
            "width_s": float(width.mean()) if width.size else float("nan"),
            "relative_width": float(np.median(relative)) if width.size else float("nan"),
        }

    return measured


def _rule(actual_s: Floats, predicted_s: Floats) -> Measured:
    def measured(rows: Rows) -> dict[str, float]:
        actual, said = actual_s[rows], predicted_s[rows]
        return {
            "rmse_s": rmse(actual, said),
            "mae_s": mae(actual, said),
            "median_error_s": median_error(actual, said),
            "pinball_s": pinball(actual, np.repeat(said[:, None], 3, axis=1), levels=LEVELS),
        }

    return measured
