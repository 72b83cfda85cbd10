"""Failures as figures: of all builds, and apart by how the build before had ended."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evaluation.measures import FAILURE, FIRST, REPEATED
from evaluation.results import Bools, Failures, Floats
from evaluation.samples import MODEL, Measured, Sample, Size
from models.metrics import (
    auc,
    average_precision,
    brier,
    expected_calibration_error,
    f1,
    saved_at_recall,
)
from models.resampling import Rows, block_length


def sample(found: Failures) -> Sample:
    """Return what can be measured about a project's failures."""
    units = len(found.failed)
    said = {MODEL: found.probability, **found.baselines}
    thresholds = {MODEL: found.threshold, **found.thresholds}
    return Sample(
        project=found.project,
        units=units,
        block=block_length(units),
        rules={
            rule: _rule(found, score, thresholds.get(rule, float("nan")))
            for rule, score in said.items()
        },
        sizes={
            name + ending: Size(n=int(part.sum()), positives=int(found.failed[part].sum()))
            for ending, part in parts(found).items()
            for name in FAILURE
        },
    )


def parts(found: Failures) -> Mapping[str, Bools]:
    """Ending of a figure's name -> the builds (n,) it is about."""
    return {
        "": np.ones(len(found.failed), dtype=np.bool_),
        FIRST: found.previous_failed == 0,
        REPEATED: found.previous_failed == 1,
    }


def _rule(found: Failures, score: Floats, threshold: float) -> Measured:
    whole = parts(found)

    def measured(rows: Rows) -> dict[str, float]:
        figures: dict[str, float] = {}
        for ending, part in whole.items():
            chosen = rows[part[rows]]
            for name, value in _figures(found.failed[chosen], score[chosen], threshold).items():
                figures[name + ending] = value
        return figures

    return measured


def _figures(failed: Bools, score: Floats, threshold: float) -> dict[str, float]:
    warned = score >= threshold
    undefined = not np.isfinite(threshold) or not failed.size
    positives = int(failed.sum())
    return {
        "auc": auc(failed, score),
        "average_precision": average_precision(failed, score),
        "f1": float("nan") if undefined else f1(failed, warned),
        "brier": brier(failed, score),
        "ece": expected_calibration_error(failed, score),
        "saved_at_95_recall": saved_at_recall(failed, score),
        "warned": float((warned & failed).sum() / positives) if positives else float("nan"),
        "false_alarms": float("nan") if undefined else float((warned & ~failed).mean()),
    }
