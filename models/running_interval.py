"""Intervals that follow a project: how far p10 and p90 move, from what was missed lately.

A *miss* is how far a duration lay outside a raw quantile, in log seconds, negative when inside.
Each side is moved by a quantile of its past misses (conformalised quantiles), newer ones weighing
more; the level of that quantile is steered by how often the interval as it stood then missed
(adaptive conformal inference). Misses of other projects stand in while there are few.

Everything here is a pure function of the model and the newest outcomes of the project: replicas
agree, and an evaluation sees what a replica would have said.

References:
    Romano, Patterson, Candes, "Conformalized Quantile Regression", 2019; Gibbs, Candes, "Adaptive
    Conformal Inference Under Distribution Shift", 2021; Barber et al., "Conformal Prediction
    Beyond Exchangeability", 2023 (weights).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from features.recent_outcomes import BUILDS, RecentOutcomes

Floats = NDArray[np.float64]

MISS_RATE = 0.1
"""Wanted on each side: p10 to p90 holds 80 %."""
STEP = 0.03
"""How far one build moves the level."""
RATES = (0.01, 0.5)
"""The level stays between these, whatever happened."""
HALF_LIFE = 50.0
"""In builds: how fast the weight of a miss halves."""
PRIOR_BUILDS = 10.0
"""The misses of all projects weigh as much as so many newest builds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Misses:
    """Misses of builds of one project, in the order in which they finished.

    Attributes:
        below: Log seconds (m,) by which a duration lay under the raw p10.
        above: Log seconds (m,) by which it lay over the raw p90.
        sequence: int64 (m,), when the build was queued, as a place in the project's history.
        known_at: int64 (m,), when it had finished, as such a place, ascending.
    """

    below: Floats
    above: Floats
    sequence: NDArray[np.int64]
    known_at: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.below)

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.int64] | slice) -> Misses:
        """Return the misses that a mask, indices or a slice choose, in their order."""
        return Misses(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})

    def then(self, later: Misses) -> Misses:
        """Return these and, after them, *later*."""
        names = [field.name for field in fields(self)]
        both = {n: np.concatenate([getattr(self, n), getattr(later, n)]) for n in names}
        return Misses(**both)


NO_MISSES = Misses(
    below=np.zeros(0), above=np.zeros(0), sequence=np.zeros(0, int), known_at=np.zeros(0, int)
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prior:
    """Misses of all projects, for a project with few of its own: log seconds (q,) each."""

    below: Floats
    above: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningInterval:
    """What a prediction for one project takes into account besides the row.

    Attributes:
        project: The project.
        low: Log seconds by which p10 moves down; negative moves it up.
        high: Log seconds by which p90 moves up.
    """

    project: str
    low: float
    high: float


class Predictor(Protocol):
    """The part of a `BuildOptimizer` that this needs."""

    prior: Prior

    def seeds(self, project: str) -> Misses:
        """Return misses that were measured when the model was trained."""
        ...

    def learned_until(self, project: str) -> int:
        """Return the newest event of the project that the weights have seen, or -1."""
        ...

    def misses(self, outcomes: RecentOutcomes, project: str) -> Misses:
        """Return the misses of *outcomes*."""
        ...


def running_interval(
    predictor: Predictor, outcomes: RecentOutcomes, project: str
) -> RunningInterval:
    """Return how far the interval of *project* moves, given what has finished.

    Args:
        predictor: The model that will be asked.
        outcomes: The project's newest finished builds; only those that passed count, and only
            those whose outcome the weights have not seen.
        project: The project.
    """
    news = outcomes.passed & (outcomes.known_at > predictor.learned_until(project))
    live = predictor.misses(outcomes.where(news), project)
    return interval_after(predictor.seeds(project).then(live), predictor.prior, project)


def interval_after(misses: Misses, prior: Prior, project: str) -> RunningInterval:
    """Return how far the interval of *project* moves after *misses*, of which the newest count."""
    newest = misses.where(slice(-BUILDS, None))
    low = running_offset(newest.below, newest.sequence, newest.known_at, prior.below)
    high = running_offset(newest.above, newest.sequence, newest.known_at, prior.above)
    return RunningInterval(project=project, low=low, high=high)


def running_offset(
    misses: Floats, sequence: NDArray[np.int64], known_at: NDArray[np.int64], prior: Floats
) -> float:
    """Return how far one side moves outwards, in log seconds; 0 if nothing is known.

    Args:
        misses: Log seconds (m,), in the order in which they became known.
        sequence: int64 (m,), when each build was queued: what was known by then made its interval.
        known_at: int64 (m,), ascending.
        prior: Misses of other projects, log seconds (q,), any order.
    """
    values = np.concatenate([misses, prior])
    if not values.size:
        return 0.0
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    known = np.minimum(np.searchsorted(known_at, sequence), np.arange(len(misses)))
    shares = _shares(len(misses), len(prior), order)
    smaller = np.searchsorted(ordered, misses)
    beaten = np.where(smaller > 0, shares[known, smaller - 1], 0.0)
    rate = _steered(beaten, known)
    place = int(np.searchsorted(shares[-1], 1 - rate))
    return float(ordered[min(place, len(ordered) - 1)])


def _shares(count: int, prior: int, order: NDArray[np.intp]) -> Floats:
    """After each number of known misses, the cumulative weights (count + 1, values), ordered."""
    known = np.arange(count + 1)[:, None]
    age = known - 1 - np.arange(count)[None, :]
    own = np.where(age >= 0, 2.0 ** (-np.maximum(age, 0) / HALF_LIFE), 0.0)
    others = np.full((count + 1, prior), PRIOR_BUILDS / max(prior, 1))
    total = np.cumsum(np.concatenate([own, others], axis=1)[:, order], axis=1)
    return np.asarray(total / np.maximum(total[:, -1:], 1e-300))


def _steered(beaten: Floats, known: NDArray[np.intp]) -> float:
    """Return the miss rate to aim at, after misses that beat these shares of what was known."""
    rates = [MISS_RATE]
    for share, then in zip(beaten.tolist(), known.tolist(), strict=True):
        missed = share >= 1 - rates[then]
        moved = rates[-1] + STEP * (MISS_RATE - missed)
        rates.append(min(max(moved, RATES[0]), RATES[1]))
    return rates[-1]
