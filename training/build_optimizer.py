"""The recipe of the build optimizer: quantiles of duration, conformally calibrated.

Inner boosters learn from older builds; by how much the newer ones, which they have not seen, lay
outside their quantiles is what intervals begin with. What is kept are outer boosters of the same
kind that have learned from all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from devmind.errors import NotEnoughHistory, UnlearnableHistory
from models.boosters import files
from models.build_optimizer import BuildOptimizer
from models.bundle import Bundle
from models.manifest import Manifest
from models.names import BUILD_OPTIMIZER
from models.packed_boosters import packed_file
from models.past_misses import MISSES, prior_of, write_misses
from models.running_interval import MISS_RATE, Misses
from training.config import BoostingConfig, as_json
from training.duration_boosters import (
    Boosters,
    FitQuantiles,
    Fits,
    fit_boosters,
    large_projects,
)
from training.durations_in_order import predict_in_order
from training.examples import Examples, Mask
from training.fit_here import fit_quantiles_here
from training.recipe import (
    Learned,
    Scored,
    Setting,
    Trained,
    draft_bundle,
    draft_manifest,
    inner_split,
    train_with,
)
from training.row_scores import duration_rows
from training.scorecards import duration_baselines, duration_scorecard
from training.split import older_than

MIN_HISTORY = 5


def train(
    examples: Examples,
    config: BoostingConfig,
    setting: Setting,
    *,
    fit: FitQuantiles,
    fit_own: FitQuantiles = fit_quantiles_here,
) -> Trained:
    """Train on *examples*, one row a build.

    Only builds that passed count: a failed build ends early and says little of a duration.

    Raises:
        NotEnoughHistory: If too few builds passed.
        UnlearnableHistory: If all of them took equally long.
    """
    return train_with(
        examples.where(~examples.failed),
        setting,
        learn=lambda known, where: learn(known, config, where, fit=fit, fit_own=fit_own),
        score=score,
        what="passed builds",
    )


def learn(
    known: Examples,
    config: BoostingConfig,
    setting: Setting,
    *,
    fit: FitQuantiles,
    fit_own: FitQuantiles = fit_quantiles_here,
) -> Learned:
    """Learn from all that is *known*, one row a build; those that failed are left out.

    Args:
        known: Rows of a project in order of `sequence`.
        config: The knobs.
        setting: Where and how.
        fit: Fits the booster of all projects.
        fit_own: Fits one of a project's own, of a few thousand rows at most.

    Raises:
        NotEnoughHistory: If too few builds passed.
        UnlearnableHistory: If all of them took equally long.
    """
    passed = known.where(~known.failed)
    _refuse_unlearnable(passed, setting)
    fits, own = Fits(all=fit, own=fit_own), large_projects(passed, config)
    setting.on_stage("fitting")
    parts = inner_split(passed, setting)
    inner = fit_boosters(passed.where(parts.fit | parts.stopping), own, config, setting, fits)
    setting.on_stage("calibrating")
    misses = _misses(inner, passed.where(parts.calibration), config, setting)
    outer = fit_boosters(passed, own, config, setting, fits)
    manifest = _manifest(outer, passed, config, setting, misses)
    return Learned(manifest=manifest, files=_files(outer, misses))


def score(bundle: Bundle, examples: Examples, test: Mask) -> Scored:
    """Score *bundle* on the builds of *test* (n,), each with what had finished by then."""
    model = BuildOptimizer.load(bundle, examples.names)
    rows, known = examples.where(test), examples.where(older_than(examples, test))
    said = predict_in_order(model, examples, test)
    card = duration_scorecard(rows, said.quantiles_s, duration_baselines(known, rows))
    return Scored(card=card, rows=duration_rows(rows, said.quantiles_s))


def uncalibrated(
    boosters: Boosters, learned: Examples, config: BoostingConfig, setting: Setting
) -> BuildOptimizer:
    """Return *boosters* as the predictor that serves them, without calibration."""
    manifest = _manifest(boosters, learned, config, setting, {})
    return BuildOptimizer.load(draft_bundle(manifest, _files(boosters, {})), learned.names)


def _refuse_unlearnable(passed: Examples, setting: Setting) -> None:
    if len(passed) < setting.needed:
        raise NotEnoughHistory("passed builds", len(passed), setting.needed)
    if np.ptp(passed.duration_s) == 0:
        took = f"every build took {passed.duration_s[0]:g} s"
        raise UnlearnableHistory(BUILD_OPTIMIZER, took)


def _misses(
    inner: Boosters, newer: Examples, config: BoostingConfig, setting: Setting
) -> dict[str, Misses]:
    """By how much *newer* builds lay outside the quantiles of *inner* boosters, by project."""
    if not len(newer):
        return {}
    model = uncalibrated(inner, newer, config, setting)
    found = {}
    for project in newer.projects:
        own = newer.where(np.asarray(newer.project == project))
        own = own.where(np.argsort(own.known_at, kind="stable"))
        raw = model.raw(own.rows, project)
        found[project] = model.misses_of(raw, own.duration_s, own.sequence, own.known_at)
    return found


def _manifest(
    boosters: Boosters,
    learned: Examples,
    config: BoostingConfig,
    setting: Setting,
    misses: Mapping[str, Misses],
) -> Manifest:
    described: dict[str, Any] = {
        **as_json(config),
        "inputs": boosters.inputs.as_json(),
        "own": list(boosters.own),
        "seeded": list(misses),
        "rounds_kept": boosters.all.rounds,
        "backend": boosters.all.by,
    }
    draft = draft_manifest(BUILD_OPTIMIZER, learned, setting, seed=config.seed, config=described)
    prior = prior_of(misses)
    calibration: dict[str, float | tuple[float, ...]] = {"min_history": float(MIN_HISTORY)}
    if misses:
        calibration["prior_below"] = tuple(prior.below.tolist())
        calibration["prior_above"] = tuple(prior.above.tolist())
        calibration["cqr_low"] = float(np.quantile(prior.below, 1 - MISS_RATE))
        calibration["cqr_high"] = float(np.quantile(prior.above, 1 - MISS_RATE))
    return msgspec.structs.replace(draft, calibration=calibration)


def _files(boosters: Boosters, misses: Mapping[str, Misses]) -> dict[str, bytes]:
    own = {project: boosted.booster for project, boosted in boosters.own.items()}
    found = files(boosters.all.booster, own) | packed_file(boosters.all.booster, own)
    return {**found, MISSES: write_misses(misses)} if misses else found
