"""The recipe of the failure predictor: one network for all projects, calibrated by Platt.

An inner network learns from older builds; what it says of the newer ones, which it has not seen,
gives calibration, thresholds and the past that running corrections begin with. What is kept is an
outer network of the same kind that has learned from all.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray

from devmind.errors import NotEnoughHistory, UnlearnableHistory
from features.recent_outcomes import BUILDS
from models.bundle import Bundle
from models.calibration import fit_platt, platt, sigmoid
from models.failure_predictor import FailurePredictor, files
from models.metrics import best_f1_threshold
from models.names import FAILURE_PREDICTOR
from models.network import InputGrid, Network, fit_grid
from models.past_scores import Past
from training.config import NetworkConfig, as_json
from training.examples import Examples, Mask
from training.failure_columns import choose_columns
from training.fit_torch import NetworkTask, State
from training.recipe import (
    Learned,
    Scored,
    Setting,
    Trained,
    draft_manifest,
    inner_split,
    train_with,
)
from training.row_scores import failure_rows
from training.scorecards import failure_baselines, failure_scorecard
from training.shards import project_weights, write_shards
from training.split import older_than

FitNetwork = Callable[[NetworkTask], list[State]]
Floats = NDArray[np.float64]
Fitted = tuple[InputGrid, list[State]]

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
    return train_with(
        examples,
        setting,
        learn=lambda known, where: learn(known, config, where, fit=fit),
        score=score,
        what="builds that passed or failed",
    )


def learn(known: Examples, config: NetworkConfig, setting: Setting, *, fit: FitNetwork) -> Learned:
    """Learn from every build of *known*; calibrate on what an inner network had not seen.

    Raises:
        NotEnoughHistory: If no project has builds both to fit and to calibrate on.
        UnlearnableHistory: If all builds of either part passed, or all failed.
    """
    parts = inner_split(known, setting)
    older, held_out = parts.fit | parts.stopping, known.where(parts.calibration)
    if not older.any() or not len(held_out):
        raise NotEnoughHistory("builds of one project", len(known), setting.policy.needed)
    _refuse_one_class(known.failed, older, parts.calibration)
    setting.on_stage("fitting")
    grid, members = fitted(known.where(older), config, setting, part="inner", fit=fit)
    setting.on_stage("calibrating")
    logits = Network(members).logits(grid.encode(held_out.rows))
    weight = project_weights(held_out.project, config.project_weight_exponent)
    a, b = fit_platt(logits, held_out.failed, weight=weight)
    manifest = draft_manifest(
        FAILURE_PREDICTOR, known, setting, seed=config.seed, config=as_json(config)
    )
    return Learned(
        manifest=msgspec.structs.replace(
            manifest,
            calibration={
                "base_rate": float(known.failed.mean()),
                "min_history": float(MIN_HISTORY),
                "platt_a": a,
                "platt_b": b,
            },
            thresholds=risk_thresholds(held_out.failed, platt(logits, a, b)),
        ),
        files=files(
            *fitted(known, config, setting, part="outer", fit=fit),
            _past(held_out, logits),
        ),
    )


def score(bundle: Bundle, examples: Examples, asked: Mask) -> Scored:
    """Score *bundle* on the builds that *asked* (n,) chooses, beside the simple rules.

    Each build is predicted as a service would have, with the running correction of its moment.
    """
    newest, before = examples.where(asked), examples.where(older_than(examples, asked))
    said = predict_in_turn(FailurePredictor.load(bundle, examples.names), examples, asked)
    card = failure_scorecard(
        newest,
        said,
        threshold=bundle.manifest.thresholds["high"],
        baselines=failure_baselines(before, before, newest),
    )
    return Scored(card=card, rows=failure_rows(newest, said))


def predict_in_turn(predictor: FailurePredictor, examples: Examples, asked: Mask) -> Floats:
    """Return the probability of each asked build as of its queueing.

    Args:
        predictor: Of whatever bundle.
        examples: Rows of a project in order of `sequence`; what had finished before a build was
            queued, and is new to the model, corrects what is said of it.
        asked: Which builds to predict (n,).

    Returns:
        One probability a build of *asked*, in their order.
    """
    said = np.full(len(examples), np.nan)
    for project in examples.projects:
        own = np.flatnonzero(examples.project == project)
        if asked[own].any():
            said[own] = _in_turn(predictor, project, examples.where(own), asked[own])
    return said[asked]


def _in_turn(predictor: FailurePredictor, project: str, rows: Examples, asked: Mask) -> Floats:
    since = predictor.manifest.learned_until.get(project, -1)
    logits, unseen = predictor.logits(rows.rows), rows.sequence > since
    by_end = np.argsort(rows.known_at, kind="stable")
    ended_by = np.searchsorted(rows.known_at[by_end], rows.sequence)
    said = np.full(len(rows), np.nan)
    for ended in np.unique(ended_by[asked]):
        recent = by_end[max(0, ended - BUILDS) : ended]
        recent = recent[unseen[recent]]
        correction = predictor.correction(project, logits[recent], rows.failed[recent])
        now = asked & (ended_by == ended)
        said[now] = sigmoid(correction.apply(logits[now]))
    return said


def risk_thresholds(failed: Mask, probability: Floats) -> dict[str, float]:
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


def fitted(
    rows: Examples, config: NetworkConfig, setting: Setting, *, part: str, fit: FitNetwork
) -> Fitted:
    """Choose columns on *rows*, learn the inputs' grid from them, and fit the network's members.

    Args:
        rows: One a build, both verdicts among them.
        config: The knobs.
        setting: Where shards go.
        part: Names the shards' folder.
        fit: Fits the members.
    """
    weight = project_weights(rows.project, config.project_weight_exponent)
    columns = choose_columns(rows.rows, rows.failed, weight, most=config.features, seed=config.seed)
    grid = fit_grid(rows.rows, knots=config.knots, columns=columns)
    folder = setting.folder / part
    shards = write_shards(folder, rows, label=rows.failed, weight=weight, count=setting.shards)
    task = NetworkTask(shards=shards, rows=len(rows), names=rows.names, grid=grid, config=config)
    return grid, fit(task)


def _past(held_out: Examples, logits: Floats) -> Past:
    past = {}
    for project in held_out.projects:
        own = np.flatnonzero(held_out.project == project)
        own = own[np.argsort(held_out.known_at[own], kind="stable")]
        past[project] = (logits[own], held_out.failed[own])
    return past


def _refuse_one_class(failed: Mask, fit: Mask, calibration: Mask) -> None:
    for name, mask in (("older", fit), ("newer", calibration)):
        count, failing = int(mask.sum()), int(failed[mask].sum())
        if failing in (0, count):
            word = "failed" if failing else "passed"
            reason = f"all {count} {name} builds {word}, so there is nothing to tell apart"
            raise UnlearnableHistory(FAILURE_PREDICTOR, reason)
