"""Durations as a service would have predicted them: each build with what had finished by then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.recent_outcomes import BUILDS
from models.build_optimizer import BuildOptimizer
from models.running_interval import interval_after
from training.examples import Examples, Mask

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predicted:
    """Predictions in seconds: p10, p50, p90 (n, 3) and means (n,)."""

    quantiles_s: Floats
    mean_s: Floats


def predict_in_order(model: BuildOptimizer, examples: Examples, asked: Mask) -> Predicted:
    """Predict the builds of *asked*, each with the running interval as of its queueing.

    What a service says at that time: of the newest `BUILDS` builds that had finished, those that
    passed and whose outcome the weights have not seen move the interval.

    Args:
        model: Has learned from none of the rows asked for.
        examples: All rows (n,), one a build, of any projects.
        asked: Rows (n,) to predict.

    Returns:
        One row for each of *asked*, in their order.
    """
    quantiles_s, mean_s = np.full((len(examples), 3), np.nan), np.full(len(examples), np.nan)
    for project in sorted(set(examples.project[asked].tolist())):
        own = np.flatnonzero(examples.project == project)
        found = _of_project(model, examples.where(own), asked[own], project)
        quantiles_s[own[asked[own]]], mean_s[own[asked[own]]] = found.quantiles_s, found.mean_s
    return Predicted(quantiles_s=quantiles_s[asked], mean_s=mean_s[asked])


def _of_project(model: BuildOptimizer, own: Examples, asked: Mask, project: str) -> Predicted:
    news = ~own.failed & (own.known_at > model.learned_until(project))
    used = asked | news
    raw = np.full((len(own), 0), np.nan)
    if used.any():
        said = model.raw(own.rows[used], project)
        raw = np.full((len(own), said.shape[1]), np.nan)
        raw[used] = said
    order = np.argsort(own.known_at, kind="stable")
    known_at = own.known_at[order]
    seeds, answers = model.seeds(project), []
    ends = np.searchsorted(known_at, own.sequence[asked])
    last, running = -1, interval_after(seeds, model.prior, project)
    for row, end in zip(np.flatnonzero(asked), ends.tolist(), strict=True):
        if end != last:
            window = order[max(0, end - BUILDS) : end]
            live = window[news[window]]
            misses = model.misses_of(
                raw[live], own.duration_s[live], own.sequence[live], own.known_at[live]
            )
            last, running = end, interval_after(seeds.then(misses), model.prior, project)
        answers.append(model.answer(raw[row : row + 1], running)[0])
    return Predicted(quantiles_s=np.array(answers), mean_s=model.mean_of(raw[asked]))
