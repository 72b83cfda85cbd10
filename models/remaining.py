"""How much longer a running build takes: the predicted duration, given what has happened so far.

Each possible course of the build is a *member*: a total duration with a weight. Members are the
predicted distribution of the duration and the recent builds of the pipeline; those that should be
over by now are dropped, which conditions the rest on lasting longer than the elapsed time. What
jobs have done replaces what a member expected of them.

Beyond everything seen a share of the weight follows Lindy's law: the time still to go is
proportional to the time already taken, as the residual life of a Pareto distribution is
(Eliazar, "Lindy's Law", Physica A 486, 2017; on residual life Hall and Wellner, 1981).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from features.pipeline_jobs import PastRun, Progress
from models.courses import Course, End, contradictions

Floats = NDArray[np.float64]

LEVELS = 19
"""Members that stand for the predicted distribution."""
PREDICTED = 0.5
"""Weight of the predicted distribution; recent builds have the rest."""
CONTRADICTED = 0.1
"""By how much a recent build counts less for each job that it had and this one has not, or the
other way round."""
TAIL = 0.02
"""Weight of builds that last longer than anything expected."""
TAIL_INDEX = 2.0
"""Pareto index of what lasts longer than expected: the median of the time to go is 0.41 times the
time it has lasted already."""
_QUANTILES = (0.1, 0.5, 0.9)
_Z90 = NormalDist().inv_cdf(0.9)
_LEAST_S = 1.0
_TAIL_MEMBERS = 9
_GOLDEN = (math.sqrt(5) - 1) / 2
_RAREST = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """How much longer a build takes, in seconds; ascending and never negative.

    Attributes:
        p10_s: One such build in ten needs less.
        p50_s: The median.
        p90_s: One such build in ten needs more.
        share_done: Elapsed time as a part of the expected total, between 0 and 1.
        waits_for: The job expected to end last; empty where jobs are not known.
        late: Whether the build has lasted longer than nine in ten were expected to.
        jobs_done: Jobs that are over.
        jobs_expected: Jobs such a build has.
        similar_builds: Recent builds of the pipeline that were taken into account.
    """

    p10_s: float
    p50_s: float
    p90_s: float
    share_done: float
    waits_for: str
    late: bool
    jobs_done: int
    jobs_expected: int
    similar_builds: int


def remaining(
    predicted_s: Sequence[float] | Floats, runs: Sequence[PastRun], progress: Progress
) -> Remaining:
    """Return how much longer a running build takes.

    As time passes without news the predicted total never shrinks; a job that ends makes it grow
    only if it was all that hid another one's being overdue.

    Args:
        predicted_s: p10, p50, p90 of the total duration, as predicted when it was queued.
        runs: Recent builds of its pipeline that passed, from `JobBook.read`.
        progress: Elapsed time and jobs.
    """
    courses, weights = _courses(np.asarray(predicted_s, dtype=np.float64), runs, progress)
    elapsed_s = progress.elapsed_s
    ends = [course.end(progress) for course in courses]
    totals = np.array([end.total_s for end in ends])
    alive = np.array([end.still_possible for end in ends])
    usual_s = weighted_quantile(np.array([c.total_s for c in courses]), weights, 0.5)
    tail, tail_weights = _tail(elapsed_s, usual_s)
    pool = np.concatenate([totals[alive], tail])
    chances = np.concatenate([weights[alive], tail_weights])
    low, middle, high = (
        max(0.0, weighted_quantile(pool, chances, level) - elapsed_s) for level in _QUANTILES
    )
    return Remaining(
        p10_s=low,
        p50_s=middle,
        p90_s=high,
        share_done=elapsed_s / (elapsed_s + middle) if elapsed_s else 0.0,
        waits_for=_last(ends, weights),
        late=elapsed_s > float(np.asarray(predicted_s)[-1]),
        jobs_done=sum(job.over for job in progress.jobs),
        jobs_expected=_expected(runs, progress),
        similar_builds=len(runs),
    )


def weighted_quantile(values: Floats, weights: Floats, level: float) -> float:
    """Return the smallest of *values* (n,) below or at which *level* of the *weights* lies.

    Example:
        >>> weighted_quantile(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0]), 0.5)
        2.0
    """
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order])
    place = np.searchsorted(below, level * below[-1] * (1 - 1e-12))
    return float(values[order][min(int(place), len(values) - 1)])


def _courses(
    predicted_s: Floats, runs: Sequence[PastRun], progress: Progress
) -> tuple[list[Course], Floats]:
    """Return the members and their weights; the predicted ones take the course of a build alike."""
    against = np.array([contradictions(run, progress) for run in runs], dtype=np.float64)
    fitting = [run for run, count in zip(runs, against, strict=True) if count == against.min()]
    pairs = [(total_s, _alike(total_s, fitting)) for total_s in levels_of(predicted_s)]
    pairs += [(run.duration_s, run) for run in runs]
    courses = [
        Course.like(run, total_s=total_s, patience=_patience(place))
        for place, (total_s, run) in enumerate(pairs)
    ]
    trust = CONTRADICTED ** (against - (against.min() if runs else 0.0))
    predicted = (PREDICTED if runs else 1.0) * np.full(LEVELS, 1 / LEVELS)
    recent = (1 - PREDICTED) * trust / max(trust.sum(), 1.0)
    return courses, (1 - TAIL) * np.concatenate([predicted, recent])


def _alike(total_s: float, runs: Sequence[PastRun]) -> PastRun:
    def distance(run: PastRun) -> float:
        return abs(math.log(max(run.duration_s, _LEAST_S) / max(total_s, _LEAST_S)))

    return min(runs, key=distance, default=PastRun(duration_s=total_s, jobs=()))


def _patience(place: int) -> float:
    """Return a member's level of a Pareto residual life; neighbours get distant levels."""
    level = (_GOLDEN * (place + 0.5)) % 1.0
    return float(max(level, _RAREST) ** (-1 / TAIL_INDEX) - 1)


def levels_of(predicted_s: Floats) -> list[float]:
    """Return totals at `LEVELS` evenly spread levels of a distribution with these p10, p50, p90.

    Below and above the median the logarithm is normal, each side with a spread of its own.
    """
    low, middle, high = np.log(np.maximum(predicted_s, _LEAST_S))
    found = []
    for place in range(LEVELS):
        z = NormalDist().inv_cdf((place + 0.5) / LEVELS)
        found.append(math.exp(middle + z / _Z90 * (high - middle if z > 0 else middle - low)))
    return found


def _tail(elapsed_s: float, usual_s: float) -> tuple[Floats, Floats]:
    chance = (np.arange(_TAIL_MEMBERS) + 0.5) / _TAIL_MEMBERS
    totals = max(elapsed_s, usual_s) * chance ** (-1 / TAIL_INDEX)
    return totals, np.full(_TAIL_MEMBERS, TAIL / _TAIL_MEMBERS)


def _last(ends: Sequence[End], weights: Floats) -> str:
    votes: dict[str, float] = {}
    for end, weight in zip(ends, weights, strict=True):
        if end.still_possible and end.waits_for:
            votes[end.waits_for] = votes.get(end.waits_for, 0.0) + float(weight)
    return max(sorted(votes), key=lambda name: votes[name], default="")


def _expected(runs: Sequence[PastRun], progress: Progress) -> int:
    told = {job.name for job in progress.jobs}
    usual = Counter(job.name for run in runs for job in run.jobs)
    often = {name for name, count in usual.items() if 2 * count > len(runs)}
    return len(often | told)
