"""The recipe of test intelligence: forests that rank the tests of a build.

Inner forests, each grown from older builds, are asked for the builds that came next; what they say
of these gives calibration and the measured recall. What is kept are outer forests of the same kind
that have learned from all builds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from devmind.errors import UnlearnableHistory
from models.bundle import Bundle
from models.calibration import fit_platt, logit, platt
from models.forest import FlatForest, flatten_trees
from models.intelligence import TestIntelligence, files, mixed, platt_names
from models.names import TEST_INTELLIGENCE
from models.recall_table import RecallTable
from training.config import ForestConfig, as_json
from training.examples import Examples, Mask
from training.forest_rows import ForestRows, rows_for, rows_for_all, taught, telling_builds
from training.kinship import Kin
from training.past_rankings import folds, past_builds
from training.ranking_scorecards import ranking_scorecard
from training.recipe import Learned, Scored, Setting, Trained, draft_manifest, train_with
from training.row_scores import ranking_rows
from training.split import older_than

FitForest = Callable[[NDArray[np.float32], Mask, NDArray[np.float64], ForestConfig], list[Any]]
Floats = NDArray[np.float64]
Trees = list[Any]
MIN_HISTORY = 10
_ALL = ""


def train(examples: Examples, config: ForestConfig, setting: Setting, *, fit: FitForest) -> Trained:
    """Train on *examples*, one row a test of a build.

    Raises:
        NotEnoughHistory: If too few builds reported tests.
        UnlearnableHistory: If no build had both passing and failing tests.
    """
    return train_with(
        examples,
        setting,
        learn=lambda known, where: learn(known, config, where, fit=fit),
        score=score,
        what="builds that reported tests",
    )


def learn(known: Examples, config: ForestConfig, setting: Setting, *, fit: FitForest) -> Learned:
    """Learn from every build of *known*; calibrate on what inner forests had not seen.

    Args:
        known: One row a test of a build. Rows of `training.forest_rows.STRANGERS` help the others
            and get no forest of their own.
        config: The knobs.
        setting: Where it is learned, and how builds are split by time.
        fit: Grows a forest.

    Raises:
        UnlearnableHistory: If no build had both passing and failing tests.
    """
    setting.on_stage("fitting")
    forests = _grown(known, config, fit, setting.kin)
    setting.on_stage("calibrating")
    asked, scores = _out_of_sample(known, config, setting, fit)
    held_out, scores = known.where(asked), scores[asked]
    calibration = _platts(held_out, scores, forests, float(known.failed.mean()))
    table = RecallTable.measure(past_builds(held_out, _applied(held_out, scores, calibration)))
    manifest = draft_manifest(
        TEST_INTELLIGENCE, known, setting, seed=config.seed, config=as_json(config)
    )
    return Learned(
        manifest=msgspec.structs.replace(
            manifest,
            calibration={
                "base_rate": float(known.failed.mean()),
                "min_history": float(MIN_HISTORY),
                "rule_share": config.rule_share,
                **calibration,
                **table.to_calibration(),
            },
        ),
        files=files(forests.shared, forests.own),
    )


def score(bundle: Bundle, examples: Examples, asked: Mask) -> Scored:
    """Score *bundle* on the tests that *asked* (n,) chooses, beside the simple rules."""
    rows = examples.where(asked)
    predictor = TestIntelligence.load(bundle, rows.names)
    said = probabilities(predictor, rows)
    card = ranking_scorecard(rows, said, predictor.recall_table)
    return Scored(card=card, rows=ranking_rows(rows, said))


def probabilities(predictor: TestIntelligence, rows: Examples) -> Floats:
    """Return what *predictor* says of *rows* (n,), each by the forest of its project."""
    said = np.full(len(rows), np.nan)
    for project in rows.projects:
        own = np.flatnonzero(rows.project == project)
        said[own] = predictor.predict(rows.rows[own], project=project)
    return said


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Forests:
    shared: Trees
    own: Mapping[str, Trees]


def _grown(known: Examples, config: ForestConfig, fit: FitForest, kin: Kin) -> _Forests:
    weight = taught(known)
    if not weight.any():
        reason = "no older build had both passing and failing tests"
        raise UnlearnableHistory(TEST_INTELLIGENCE, reason)

    def grow(rows: ForestRows) -> Trees:
        chosen = rows.index
        return fit(known.rows[chosen], known.failed[chosen], rows.weight, config)

    telling = telling_builds(known, weight)
    if len(telling) <= 1:
        only = next(iter(telling), _ALL)
        rows = rows_for(known, weight, only, config, kin.get(only, ()))
        return _Forests(shared=grow(rows), own={})
    longest = sorted(telling, key=lambda project: (-telling[project], project))
    chosen = [p for p in longest if telling[p] >= config.own_forest_builds][: config.own_forests]
    return _Forests(
        shared=grow(rows_for_all(known, weight, telling, config)),
        own={
            project: grow(rows_for(known, weight, project, config, kin.get(project, ())))
            for project in chosen
        },
    )


def _out_of_sample(
    known: Examples, config: ForestConfig, setting: Setting, fit: FitForest
) -> tuple[Mask, Floats]:
    """Return which rows (n,) inner forests were asked for, and what they scored (n,)."""
    scores = np.full(len(known), np.nan)
    inner = replace(config, trees=min(config.trees, config.calibration_trees))
    for asked in folds(known, setting.policy, config.calibration_folds):
        try:
            scores[asked] = scores_of_newer(known, asked, inner, setting.kin, fit=fit)
        except UnlearnableHistory:
            continue  # too early; later folds know more
    return np.isfinite(scores), scores


def scores_of_newer(
    known: Examples, asked: Mask, config: ForestConfig, kin: Kin, *, fit: FitForest
) -> Floats:
    """Grow forests from what was known before the builds of *asked* (n,), and score these.

    Returns:
        One score a row of *asked*, not calibrated: the higher, the likelier to fail.

    Raises:
        UnlearnableHistory: If no older build had both passing and failing tests.
    """
    forests = _grown(known.where(older_than(known, asked)), config, fit, kin)
    scores = np.full(len(known), np.nan)
    for project, trees in {_ALL: forests.shared, **forests.own}.items():
        rows = asked & (_served_by(known, forests) == project)
        forest = FlatForest(flatten_trees(trees), features=len(known.names))
        share = forest.predict(known.rows[rows])
        scores[rows] = mixed(share, known.rows[rows], known.names, config.rule_share)
    return scores[asked]


def _served_by(rows: Examples, forests: _Forests) -> NDArray[np.object_]:
    return np.where(np.isin(rows.project.astype(str), sorted(forests.own)), rows.project, _ALL)


def _platts(held_out: Examples, scores: Floats, forests: _Forests, rate: float) -> dict[str, float]:
    """Fit Platt scaling for all, and for each project with a forest of its own."""
    found: dict[str, float] = {}
    for project in (_ALL, *forests.own):
        rows = np.asarray(held_out.project == project) | (project == _ALL)
        fitted = 1.0, float(logit(rate))  # shares lie about 1/2: failing rows weigh half of all
        if rows.any():
            fitted = fit_platt(scores[rows], held_out.failed[rows])
        elif project != _ALL:
            continue
        found |= dict(zip(platt_names(project), fitted, strict=True))
    return found


def _applied(held_out: Examples, scores: Floats, calibration: Mapping[str, float]) -> Floats:
    said = np.full(len(held_out), np.nan)
    for project in held_out.projects:
        own = np.asarray(held_out.project == project)
        names = platt_names(project)
        a, b = names if names[0] in calibration else platt_names()
        said[own] = platt(scores[own], calibration[a], calibration[b])
    return said
