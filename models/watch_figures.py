"""Rolling figures: how good predictions were for the newest finished builds of a project.

A figure with too few builds behind it is absent, never zero and never a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import cast

import numpy as np

from models.metrics import auc, brier, coverage, expected_calibration_error, mae, pinball
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE
from models.scorecard import Scorecard
from models.watch import DurationSaid, FailureSaid, Outcome, Said, SelectionSaid

ENOUGH_BUILDS = 30
ENOUGH_OF_A_CLASS = 5
"""AUC needs so many builds that failed, and so many that passed."""
ENOUGH_FAILING = 10
"""Failing tests that recall is measured on."""
EXPECTED_MISSES = 3.0
"""Misses to be expected before their number is compared with what came."""
_LEVELS = (0.1, 0.5, 0.9)

Figures = dict[str, float]
Row = tuple[Said, Outcome]


def rolling(model: str, rows: Sequence[Row], promised: Scorecard | None, project: str) -> Figures:
    """Return the figures of a model for a project.

    Args:
        model: One of `models.names.MODELS`.
        rows: What was said of the newest finished builds, and what came of them.
        promised: The version's scorecard, for `error_ratio`: 1 is as promised, more is worse.
        project: Its own figures in the scorecard are used where it has some.

    Returns:
        Figure -> value, of `error`, `error_ratio`, `coverage_ratio`, `auc`, `brier`,
        `calibration_error`, `recall_ratio`, `escapes`, `time_share`, `pinball_s`; only those that
        enough builds say something about, and always `builds`.
    """
    if model == BUILD_OPTIMIZER:
        found = _durations(rows)
        found |= _ratio(found.get("error"), _promise(promised, "mae_s", project))
    elif model == FAILURE_PREDICTOR:
        found = _failures(rows)
        found |= _ratio(found.get("brier"), _promise(promised, "brier", project))
    else:
        found = _selections(rows)
    return {"builds": float(len(rows)), **{k: v for k, v in found.items() if isfinite(v)}}


def _durations(rows: Sequence[Row]) -> Figures:
    passed = [(said, came) for said, came in rows if not came.failed]
    if len(passed) < ENOUGH_BUILDS:
        return {}
    actual = np.array([came.duration_s for _, came in passed])
    told = [cast("DurationSaid", said) for said, _ in passed]
    quantiles = np.array([(said.p10_s, said.p50_s, said.p90_s) for said in told])
    return {
        "error": mae(actual, quantiles[:, 1]),
        "pinball_s": pinball(actual, quantiles, levels=_LEVELS),
        "coverage_ratio": coverage(actual, quantiles[:, 0], quantiles[:, 2]),
    }


def _failures(rows: Sequence[Row]) -> Figures:
    if len(rows) < ENOUGH_BUILDS:
        return {}
    failed = np.array([came.failed for _, came in rows])
    said = np.array([cast("FailureSaid", told).probability for told, _ in rows])
    found = {
        "brier": brier(failed, said),
        "calibration_error": expected_calibration_error(failed, said),
    }
    if min(failed.sum(), (~failed).sum()) >= ENOUGH_OF_A_CLASS:
        found["auc"] = auc(failed, said)
    return found


def _selections(rows: Sequence[Row]) -> Figures:
    subsets = [(cast("SelectionSaid", said), came) for said, came in rows]
    subsets = [(said, came) for said, came in subsets if said.gaps]
    if not subsets:
        return {}
    failing = sum(came.failing for _, came in subsets)
    escaped = sum(came.escaped for _, came in subsets)
    found = {"escapes": float(escaped)}
    if len(subsets) >= ENOUGH_BUILDS:
        found["time_share"] = float(np.mean([said.time_share for said, _ in subsets]))
    if failing >= ENOUGH_FAILING:
        found["recall_ratio"] = 1 - escaped / failing
    known = [(s.expected_recall, came) for s, came in subsets if s.expected_recall is not None]
    expected = sum((1 - recall) * came.failing for recall, came in known)
    if expected >= EXPECTED_MISSES:
        found |= _ratio(float(sum(came.escaped for _, came in known)), expected)
    return found


def _ratio(error: float | None, promised: float) -> Figures:
    if error is None or not promised > 0:
        return {}
    return {"error_ratio": error / promised}


def _promise(card: Scorecard | None, metric: str, project: str) -> float:
    if card is None:
        return float("nan")
    own = card.per_project.get(project, {}).get(metric)
    return card.value(metric) if own is None else own


MAIN_FIGURE = {
    BUILD_OPTIMIZER: "error",
    FAILURE_PREDICTOR: "brier",
    TEST_INTELLIGENCE: "recall_ratio",
}
"""The figure that says most about a model."""
