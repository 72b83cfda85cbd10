"""How a model did on each held-out row: what champion and challenger are compared by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.paired import RowScores
from models.ranking import apfd, recall_at_cost
from training.config import QUANTILES
from training.examples import Examples
from training.ranking_scorecards import ranked_builds
from training.scorecards import Floats

_SURELY = 1e-6


def duration_rows(test: Examples, quantiles_s: NDArray[np.floating]) -> RowScores:
    """Return the losses of p10, p50 and p90 (n, 3) in seconds, and whether p10 to p90 held."""
    actual, said = test.duration_s, np.asarray(quantiles_s, dtype=np.float64)
    error, level = actual[:, None] - said, np.asarray(QUANTILES)
    return RowScores(
        project=test.project,
        sequence=test.sequence,
        values={
            "mae_s": np.abs(error[:, 1]),
            "pinball_s": np.maximum(level * error, (level - 1) * error).mean(axis=1),
        },
        covered=np.asarray((said[:, 0] <= actual) & (actual <= said[:, 2])),
    )


def failure_rows(test: Examples, probability: Floats) -> RowScores:
    """Return the losses of probabilities (n,) of failure; logarithms in nats."""
    sure = np.clip(probability, _SURELY, 1 - _SURELY)
    return RowScores(
        project=test.project,
        sequence=test.sequence,
        values={
            "brier": (probability - test.failed) ** 2,
            "log_loss": -np.log(np.where(test.failed, sure, 1 - sure)),
        },
        positive=test.failed,
        probability=probability,
    )


def ranking_rows(test: Examples, probability: Floats) -> RowScores:
    """Return how early each build's failing tests come when ordered by probability (n,)."""
    builds = ranked_builds(test)
    orders = [(build, probability[build.rows]) for build in builds]
    recalls = [recall_at_cost(b.failed, said, b.cost, share=0.3) for b, said in orders]
    return RowScores(
        project=np.array([build.project for build in builds], dtype=object),
        sequence=np.array([test.sequence[b.rows[0]] for b in builds], dtype=np.int64),
        values={
            "apfd": np.array([apfd(b.failed, said) for b, said in orders], dtype=np.float64),
            "recall_at_30_percent": np.array(recalls, dtype=np.float64),
        },
    )
