"""Scorecards of held-out rows: each model beside the simple rules that anybody would try first.

All arrays are row by row over the same examples, which the model has not learned from. A baseline
that knows nothing about a row yet answers what fit rows said on average.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from models.metrics import (
    auc,
    average_precision,
    best_f1_threshold,
    brier,
    coverage,
    expected_calibration_error,
    f1,
    log_loss,
    mae,
    median_error,
    pinball,
    rmse,
    saved_at_recall,
)
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR
from models.scorecard import Scorecard, ScoredRange, rows_digest
from training.config import QUANTILES
from training.examples import Examples, Mask

Floats = NDArray[np.float64]
Metrics = dict[str, float | None]


def duration_scorecard(
    test: Examples, quantiles_s: NDArray[np.floating], baselines: Mapping[str, Floats]
) -> Scorecard:
    """Score p10, p50 and p90 of durations.

    Args:
        test: Builds (n,) that passed.
        quantiles_s: (n, 3), seconds.
        baselines: Name -> predicted seconds (n,), as `duration_baselines` gives them.
    """

    def measure(where: Mask) -> Metrics:
        actual, said = test.duration_s[where], quantiles_s[where]
        low, middle, high = said.T
        return _finite(
            {
                **_point(actual, middle),
                "pinball_s": pinball(actual, said, levels=QUANTILES),
                "coverage": coverage(actual, low, high),
                "width_s": float(np.mean(high - low)),
                "relative_width": float(np.median((high - low) / np.maximum(middle, 1.0))),
            }
        )

    beside = {name: _finite(_point(test.duration_s, said)) for name, said in baselines.items()}
    return _card(BUILD_OPTIMIZER, test, measure, beside)


def _point(actual: Floats, said: Floats | NDArray[np.floating]) -> dict[str, float]:
    middle = np.repeat(np.asarray(said, dtype=np.float64)[:, None], len(QUANTILES), axis=1)
    return {
        "mae_s": mae(actual, said),
        "median_error_s": median_error(actual, said),
        "rmse_s": rmse(actual, said),
        "pinball_s": pinball(actual, middle, levels=QUANTILES),
    }


def duration_baselines(fit: Examples, rows: Examples) -> dict[str, Floats]:
    """Last run and mean of the last seven of the pipeline, in seconds (n,).

    Before a pipeline's first run it is the project's, and before that the median of *fit*.
    """
    usual = float(np.median(fit.duration_s))
    return {
        name: _first_known(rows, (f"pipeline_{column}", f"project_{column}"), usual)
        for name, column in (("last_run", "last_s"), ("mean_of_7", "mean7_s"))
    }


def failure_scorecard(
    test: Examples,
    probability: Floats,
    *,
    threshold: float,
    baselines: Mapping[str, tuple[Floats, float]],
) -> Scorecard:
    """Score probabilities of failure.

    Args:
        test: Builds (n,).
        probability: (n,).
        threshold: For F1; chosen on earlier builds.
        baselines: Name -> (probability (n,), threshold), as `failure_baselines` gives them.
    """

    def measure(where: Mask) -> Metrics:
        return _classed(test.failed[where], probability[where], threshold)

    beside = {name: _classed(test.failed, *said) for name, said in baselines.items()}
    return _card(FAILURE_PREDICTOR, test, measure, beside, positives=int(test.failed.sum()))


def _classed(failed: Mask, probability: Floats, threshold: float) -> Metrics:
    return _finite(
        {
            "auc": auc(failed, probability),
            "average_precision": average_precision(failed, probability),
            "brier": brier(failed, probability),
            "log_loss": log_loss(failed, probability),
            "ece": expected_calibration_error(failed, probability),
            "f1": f1(failed, probability >= threshold),
            "saved_at_95_recall": saved_at_recall(failed, probability, recall=0.95),
            "positives": float(failed.sum()),
        }
    )


def failure_baselines(
    fit: Examples, chosen_on: Examples, rows: Examples
) -> dict[str, tuple[Floats, float]]:
    """Previous outcome and rolling failure rate, each with its F1 threshold.

    Of the pipeline, and of the branch: where branches stay broken the branch's is much the harder
    to beat, and a model that only beats the pipeline's has shown little.

    Args:
        fit: Its base rate stands in where nothing is known.
        chosen_on: Thresholds are chosen here, on builds older than *rows*.
        rows: The builds to answer for.
    """
    usual = float(fit.failed.mean())
    columns = {
        "previous_outcome": ("pipeline_last_failed",),
        "rolling_rate": ("pipeline_failure_rate_ewma", "project_failure_rate_ewma"),
        "branch_previous_outcome": ("branch_last_failed", "pipeline_last_failed"),
        "branch_rolling_rate": ("branch_failure_rate_ewma", "pipeline_failure_rate_ewma"),
    }
    found = {}
    for name, names in columns.items():
        threshold = best_f1_threshold(chosen_on.failed, _first_known(chosen_on, names, usual))
        found[name] = (_first_known(rows, names, usual), threshold)
    return found


def _first_known(rows: Examples, columns: tuple[str, ...], otherwise: float) -> Floats:
    value = np.full(len(rows), np.nan)
    for name in columns:
        if name in rows.names:
            value = np.where(np.isnan(value), rows.column(name), value)
    return np.where(np.isnan(value), otherwise, value)


def _card(
    model: str,
    test: Examples,
    measure: Callable[[Mask], Metrics],
    baselines: dict[str, Metrics],
    *,
    positives: int | None = None,
) -> Scorecard:
    where = {project: np.asarray(test.project == project) for project in test.projects}
    return Scorecard(
        model=model,
        measured_on=scored_range(test),
        metrics=measure(np.ones(len(test), dtype=np.bool_)),
        baselines=baselines,
        per_project={project: measure(mask) for project, mask in where.items()},
        rows_per_project={project: int(mask.sum()) for project, mask in where.items()},
        positives=positives,
    )


def scored_range(test: Examples) -> ScoredRange:
    """Name the builds of *test*, so that two scorecards of the same builds are known as such."""
    return ScoredRange(
        first_queued_at=datetime.fromtimestamp(float(test.queued_at.min()), tz=UTC),
        last_queued_at=datetime.fromtimestamp(float(test.queued_at.max()), tz=UTC),
        rows=len(test),
        digest=rows_digest(set(zip(test.project.tolist(), test.sequence.tolist(), strict=True))),
    )


def _finite(metrics: Mapping[str, float]) -> Metrics:
    return {name: float(value) if np.isfinite(value) else None for name, value in metrics.items()}
