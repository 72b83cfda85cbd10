"""The recipe of test intelligence: a forest that ranks the tests of a build.

What is scored is what ships: trees come from older builds, calibration and the recall table from
the builds after them, and the newest are only scored on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from devmind.errors import UnlearnableHistory
from models.bundle import Bundle, Manifest
from models.calibration import fit_platt, logit, platt
from models.intelligence import TestIntelligence, files
from models.names import TEST_INTELLIGENCE
from models.recall_table import RecallTable
from models.scorecard import Scorecard
from training.config import ForestConfig, as_json
from training.examples import Examples, Mask
from training.fit_forest import apfd_weights
from training.ranking_scorecards import past_builds, ranking_scorecard
from training.recipe import Setting, Trained, draft_bundle, draft_manifest, of_project, split_enough

FitForest = Callable[[NDArray[np.float32], Mask, NDArray[np.float64], ForestConfig], list[Any]]
MIN_HISTORY = 10


def train(examples: Examples, config: ForestConfig, setting: Setting, *, fit: FitForest) -> Trained:
    """Train on *examples*, one row a test of a build.

    Raises:
        NotEnoughHistory: If too few builds reported tests.
        UnlearnableHistory: If no build had both passing and failing tests.
    """
    parts = split_enough(examples, setting, what="builds that reported tests")
    rows = examples.where(parts.fit | parts.stopping)
    weight = apfd_weights(rows.builds(), rows.failed)
    if not weight.any():
        reason = "no older build had both passing and failing tests"
        raise UnlearnableHistory(TEST_INTELLIGENCE, reason)
    setting.on_stage("fitting")
    chosen = _newest_weighing(weight, config.max_rows)
    weight = weight[chosen] / weight[chosen].mean()
    contents = files(fit(rows.rows[chosen], rows.failed[chosen], weight, config))
    setting.on_stage("calibrating")
    learned = examples.where(parts.fit | parts.stopping | parts.calibration)
    manifest = draft_manifest(
        TEST_INTELLIGENCE, learned, setting, seed=config.seed, config=as_json(config)
    )
    manifest = _calibrated(manifest, contents, examples.where(parts.calibration), rows)
    setting.on_stage("scoring")
    test = examples.where(parts.test)

    def score(bundle: Bundle, project: str | None = None) -> Scorecard:
        rows = of_project(test, project)
        predictor = TestIntelligence.load(bundle, rows.names)
        return ranking_scorecard(rows, predictor.predict(rows.rows), predictor.recall_table)

    card = score(draft_bundle(manifest, contents))
    return Trained(
        manifest=msgspec.structs.replace(manifest, metrics=card.metrics),
        files=contents,
        scorecard=card,
        score=score,
    )


def _newest_weighing(weight: NDArray[np.float64], max_rows: int) -> NDArray[np.int64]:
    """Indices of the last *max_rows* rows that weigh anything."""
    return np.flatnonzero(weight > 0)[-max_rows:]


def _calibrated(
    manifest: Manifest, contents: dict[str, bytes], held_out: Examples, fitted_on: Examples
) -> Manifest:
    base = {"base_rate": float(fitted_on.failed.mean()), "min_history": float(MIN_HISTORY)}
    raw = TestIntelligence.load(draft_bundle(manifest, contents), held_out.names)
    scores = logit(raw.predict(held_out.rows))
    a, b = fit_platt(scores, held_out.failed)
    table = RecallTable.measure(past_builds(held_out, platt(scores, a, b)))
    return msgspec.structs.replace(
        manifest,
        calibration={**base, "platt_a": a, "platt_b": b, **table.to_calibration()},
    )
