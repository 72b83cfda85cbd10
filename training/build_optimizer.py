"""The recipe of the build optimizer: quantiles of duration, conformally calibrated.

What is scored is what ships: weights come from older builds, early stopping and the interval from
the builds after them, and the newest are only scored on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from devmind.errors import UnlearnableHistory
from models.build_optimizer import BuildOptimizer, files, to_log_seconds
from models.bundle import Bundle
from models.calibration import conformal_offsets
from models.names import BUILD_OPTIMIZER
from models.scorecard import Scorecard
from training.config import BoostingConfig, as_json
from training.examples import Examples, Mask
from training.fit_xgboost import Boosted
from training.recipe import Setting, Trained, draft_bundle, draft_manifest, of_project, split_enough
from training.scorecards import duration_baselines, duration_scorecard
from training.shards import project_weights, write_shards

FitQuantiles = Callable[[Sequence[Path], Sequence[Path], BoostingConfig], Boosted]
MIN_HISTORY = 5


def train(
    examples: Examples, config: BoostingConfig, setting: Setting, *, fit: FitQuantiles
) -> Trained:
    """Train on *examples*, one row a build.

    Only builds that passed count: a failed build ends early and says little of a duration.

    Raises:
        NotEnoughHistory: If too few builds passed.
        UnlearnableHistory: If all of them took equally long.
    """
    passed = examples.where(~examples.failed)
    parts = split_enough(passed, setting, what="passed builds")
    if np.ptp(passed.duration_s[parts.fit]) == 0:
        took = f"every build took {passed.duration_s[0]:g} s"
        raise UnlearnableHistory(BUILD_OPTIMIZER, took)
    setting.on_stage("fitting")
    weight = project_weights(passed.project, config.project_weight_exponent)
    fitted = fit(
        _shards("fit", passed, parts.fit, weight, setting),
        _shards("stopping", passed, parts.stopping, weight, setting),
        config,
    )
    setting.on_stage("calibrating")
    learned = passed.where(parts.fit | parts.stopping | parts.calibration)
    knobs = {**as_json(config), "rounds_kept": fitted.rounds}
    manifest = draft_manifest(BUILD_OPTIMIZER, learned, setting, seed=config.seed, config=knobs)
    held_out = passed.where(parts.calibration)
    raw = BuildOptimizer.load(draft_bundle(manifest, files(fitted.booster)), learned.names)
    low, _, high = to_log_seconds(raw.predict(held_out.rows)).T
    below, above = conformal_offsets(to_log_seconds(held_out.duration_s), low, high)
    calibration = {"cqr_low": below, "cqr_high": above, "min_history": float(MIN_HISTORY)}
    manifest = msgspec.structs.replace(manifest, calibration=calibration)
    setting.on_stage("scoring")
    test, fitted_on = passed.where(parts.test), passed.where(parts.fit)

    def score(bundle: Bundle, project: str | None = None) -> Scorecard:
        rows = of_project(test, project)
        said = BuildOptimizer.load(bundle, rows.names).predict(rows.rows)
        return duration_scorecard(rows, said, duration_baselines(fitted_on, rows))

    card = score(draft_bundle(manifest, files(fitted.booster)))
    return Trained(
        manifest=msgspec.structs.replace(manifest, metrics=card.metrics),
        files=files(fitted.booster),
        scorecard=card,
        score=score,
    )


def _shards(
    name: str, passed: Examples, mask: Mask, weight: np.ndarray, setting: Setting
) -> tuple[Path, ...]:
    rows = passed.where(mask)
    return write_shards(
        setting.folder / name,
        rows,
        label=to_log_seconds(rows.duration_s),
        weight=weight[mask],
        count=setting.shards,
    )
