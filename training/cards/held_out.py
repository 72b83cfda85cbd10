"""What the scored model said of the newest builds, as the card's charts and weights need it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.build_optimizer import BuildOptimizer, to_log_seconds
from models.bundle import Bundle
from models.failure_predictor import FailurePredictor
from models.intelligence import TestIntelligence
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR
from training.durations_in_order import predict_in_order
from training.examples import Examples, Mask
from training.failure_predictor import predict_in_turn
from training.intelligence import probabilities
from training.recipe import Setting, split_enough

Floats = NDArray[np.float64]
Loss = Callable[[Examples], Floats]
"""Examples (n) to the model's losses (n,)."""
_EDGE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOut:
    """The newest builds and what a model that has not seen them said.

    Attributes:
        rows: The held-out examples (n).
        said: p10, p50, p90 in seconds (n, 3), or probabilities (n,).
        loss: How wrong the model is about examples, whose features may be shuffled.
        loss_name: What that loss is, for people.
    """

    rows: Examples
    said: Floats
    loss: Loss
    loss_name: str


def held_out(bundle: Bundle, examples: Examples, setting: Setting) -> HeldOut:
    """Ask the scored model of *bundle* about the builds that it was scored on.

    Args:
        bundle: A version, as it will be registered.
        examples: All that it was trained and scored on.
        setting: By which they were split.
    """
    model, scored = bundle.manifest.model, bundle.scored()
    if model == BUILD_OPTIMIZER:
        examples = examples.where(~examples.failed)
    asked = split_enough(examples, setting, what="builds").test
    ask = {BUILD_OPTIMIZER: _durations, FAILURE_PREDICTOR: _failures}.get(model, _tests)
    return ask(scored, examples, asked)


def _durations(bundle: Bundle, examples: Examples, asked: Mask) -> HeldOut:
    model = BuildOptimizer.load(bundle, examples.names)

    def loss(rows: Examples) -> Floats:
        found = np.full(len(rows), np.nan)
        for project, own in _by_project(rows):
            said = model.answer(model.raw(rows.rows[own], project))
            found[own] = np.abs(to_log_seconds(said[:, 1]) - to_log_seconds(rows.duration_s[own]))
        return found

    said = predict_in_order(model, examples, asked).quantiles_s
    name = "error of log seconds"
    return HeldOut(rows=examples.where(asked), said=said, loss=loss, loss_name=name)


def _failures(bundle: Bundle, examples: Examples, asked: Mask) -> HeldOut:
    model = FailurePredictor.load(bundle, examples.names)

    def loss(rows: Examples) -> Floats:
        return log_loss(rows.failed, model.predict(rows.rows))

    said = predict_in_turn(model, examples, asked)
    return HeldOut(rows=examples.where(asked), said=said, loss=loss, loss_name="log loss")


def _tests(bundle: Bundle, examples: Examples, asked: Mask) -> HeldOut:
    model = TestIntelligence.load(bundle, examples.names)
    rows = examples.where(asked)

    def loss(rows: Examples) -> Floats:
        return log_loss(rows.failed, probabilities(model, rows))

    said = probabilities(model, rows)
    return HeldOut(rows=rows, said=said, loss=loss, loss_name="log loss")


def log_loss(failed: Mask, probability: Floats) -> Floats:
    """Return the surprise (n,), in nats, of what happened given what was said.

    Example:
        >>> log_loss(np.array([True]), np.array([1.0])).round(3).tolist()
        [0.0]
    """
    said = np.clip(probability, _EDGE, 1 - _EDGE)
    return -np.log(np.where(failed, said, 1 - said))


def _by_project(rows: Examples) -> list[tuple[str, NDArray[np.int64]]]:
    return [(project, np.flatnonzero(rows.project == project)) for project in rows.projects]
