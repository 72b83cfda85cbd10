"""The recipe of the failure predictor: one network for all projects, calibrated by Platt.

What is scored is what ships: weights come from older builds, calibration and thresholds from the
builds after them, and the newest are only scored on.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray

from devmind.errors import UnlearnableHistory
from models.bundle import Bundle
from models.calibration import fit_platt, logit, platt
from models.failure_predictor import FailurePredictor, files
from models.metrics import best_f1_threshold
from models.names import FAILURE_PREDICTOR
from models.network import fit_grid
from models.scorecard import Scorecard
from training.config import NetworkConfig, as_json
from training.examples import Examples, Mask
from training.fit_torch import NetworkTask, State
from training.recipe import Setting, Trained, draft_bundle, draft_manifest, of_project, split_enough
from training.scorecards import failure_baselines, failure_scorecard
from training.shards import project_weights, write_shards

FitNetwork = Callable[[NetworkTask], list[State]]
MIN_HISTORY = 20
LOW_RISK_SHARE = 0.2
"""Of the failing builds, at most so many may have been called low risk."""


def train(
    examples: Examples, config: NetworkConfig, setting: Setting, *, fit: FitNetwork
) -> Trained:
    """Train on *examples*, one row a build that passed or failed.

    Raises:
        NotEnoughHistory: If there are too few builds.
        UnlearnableHistory: If all of them passed, or all failed.
    """
    parts = split_enough(examples, setting, what="builds that passed or failed")
    older = parts.fit | parts.stopping
    _refuse_one_class(examples.failed, older, parts.calibration)
    setting.on_stage("fitting")
    rows = examples.where(older)
    weight = project_weights(rows.project, config.project_weight_exponent)
    grid = fit_grid(rows.rows, knots=config.knots)
    shards = write_shards(
        setting.folder / "fit", rows, label=rows.failed, weight=weight, count=setting.shards
    )
    members = fit(
        NetworkTask(shards=shards, rows=len(rows), names=rows.names, grid=grid, config=config)
    )
    setting.on_stage("calibrating")
    learned, held_out = examples.where(older | parts.calibration), examples.where(parts.calibration)
    manifest = draft_manifest(
        FAILURE_PREDICTOR, learned, setting, seed=config.seed, config=as_json(config)
    )
    manifest = msgspec.structs.replace(
        manifest,
        calibration={"base_rate": float(rows.failed.mean()), "min_history": float(MIN_HISTORY)},
        thresholds={"medium": 0.5, "high": 0.5},
    )
    contents = files(grid, members)
    raw = FailurePredictor.load(draft_bundle(manifest, contents), rows.names)
    logits = logit(raw.predict(held_out.rows))
    a, b = fit_platt(logits, held_out.failed)
    thresholds = risk_thresholds(held_out.failed, platt(logits, a, b))
    manifest = msgspec.structs.replace(
        manifest,
        calibration={**manifest.calibration, "platt_a": a, "platt_b": b},
        thresholds=thresholds,
    )
    setting.on_stage("scoring")
    test = examples.where(parts.test)

    def score(bundle: Bundle, project: str | None = None) -> Scorecard:
        newest = of_project(test, project)
        said = FailurePredictor.load(bundle, newest.names).predict(newest.rows)
        threshold = bundle.manifest.thresholds["high"]
        baselines = failure_baselines(rows, held_out, newest)
        return failure_scorecard(newest, said, threshold=threshold, baselines=baselines)

    card = score(draft_bundle(manifest, contents))
    return Trained(
        manifest=msgspec.structs.replace(manifest, metrics=card.metrics),
        files=contents,
        scorecard=card,
        score=score,
    )


def risk_thresholds(failed: Mask, probability: NDArray[np.float64]) -> dict[str, float]:
    """Choose where medium and high risk begin, on builds the network has not learned from.

    High begins where F1 is best; medium where at most `LOW_RISK_SHARE` of the failing builds lie
    below, and never above high.

    Args:
        failed: bool (n,), at least one.
        probability: Calibrated (n,).
    """
    high = best_f1_threshold(failed, probability)
    medium = float(np.quantile(probability[failed], LOW_RISK_SHARE))
    return {"medium": min(medium, high), "high": high}


def _refuse_one_class(failed: Mask, fit: Mask, calibration: Mask) -> None:
    for name, mask in (("older", fit), ("newer", calibration)):
        count, failing = int(mask.sum()), int(failed[mask].sum())
        if failing in (0, count):
            word = "failed" if failing else "passed"
            reason = f"all {count} {name} builds {word}, so there is nothing to tell apart"
            raise UnlearnableHistory(FAILURE_PREDICTOR, reason)
