"""Champion and challenger on the same builds: by how much they differ, and how sure that is.

Both said something of every held-out build, so what is hard about a build is hard for both and
cancels out. Builds are drawn again and again, in blocks of neighbours and project by project, and
both models are measured on each draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.resampling import block_length, interval, weights

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.int64]
Measure = Callable[[Floats], Floats]

REPEATS = 400
ENOUGH_ROWS = 50
"""A project with fewer rows is judged with all others only."""
NOMINAL_COVERAGE = 0.8
BINS = 10
_FEWEST_BLOCKS = 3
_CELLS = 4_000_000
"""Weights of so many row draws are in memory at once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowScores:
    """How a model did on held-out builds, one row a build.

    Attributes:
        project: (n,).
        sequence: Of the build in its project (n,).
        values: Metric -> its value on each row (n,), NaN where it has none; means are compared.
        covered: Whether the interval held what happened (n,), where there are intervals.
        positive: What happened (n,), where there are two classes.
        probability: What was said of it (n,).
    """

    project: NDArray[np.object_]
    sequence: NDArray[np.int64]
    values: Mapping[str, Floats] = field(default_factory=dict)
    covered: Bools | None = None
    positive: Bools | None = None
    probability: Floats | None = None

    def same_rows(self, other: RowScores) -> bool:
        """Whether both are about the same rows in the same order."""
        return np.array_equal(self.project, other.project) and np.array_equal(
            self.sequence, other.sequence
        )

    def measure(self, metric: str, rows: Rows) -> Measure | None:
        """Return what gives *metric* for weights (b, m) of *rows* (m,); `None` without it."""
        if metric in self.values:
            return _mean_of(self.values[metric][rows])
        if metric == "coverage_gap" and self.covered is not None:
            return _gap_of(self.covered[rows])
        if self.positive is None or self.probability is None:
            return None
        makes = {"auc": _auc_of, "ece": _ece_of}.get(metric)
        return makes(self.positive[rows], self.probability[rows]) if makes else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One metric of both models on the same rows.

    Attributes:
        metric: Its name.
        project: Of the rows; `None` for all of them.
        rows: How many rows.
        champion: The champion's value.
        challenger: The challenger's.
        worse_by: By how much the challenger is worse, in the metric's unit; negative when better.
        low: Lower end of the 90 % interval of `worse_by`.
        high: Upper end.
        chance: One-sided probability of as large a loss between equal models.
    """

    metric: str
    project: str | None
    rows: int
    champion: float
    challenger: float
    worse_by: float
    low: float
    high: float
    chance: float


def compare(
    champion: RowScores,
    challenger: RowScores,
    metrics: Mapping[str, bool],
    *,
    repeats: int = REPEATS,
    seed: int = 0,
) -> tuple[Comparison, ...]:
    """Compare two models on the same rows, over all and for each project with enough of them.

    Args:
        champion: How the champion did.
        challenger: How the challenger did.
        metrics: Metric -> whether higher is better.
        repeats: How many draws.
        seed: Of the draws.

    Returns:
        What could be measured of both, over all first; empty when they are of different rows.

    References:
        Politis and Romano, "A circular block-resampling procedure for stationary data", 1992. The
        difference's standard error over the draws gives `chance` by Student's law with a degree
        of freedom a block, as draws alone cannot show the small chances that many projects ask
        for; its tail by Wallace, "Bounds on normal approximations to Student's and the chi-square
        distributions", 1959.
    """
    if not champion.same_rows(challenger) or not len(champion.project):
        return ()
    parts = _parts(champion)
    whole = np.concatenate(list(parts.values()))
    judged: list[tuple[str | None, Rows]] = [(None, whole)]
    judged += [(name, rows) for name, rows in parts.items() if len(rows) >= ENOUGH_ROWS]
    found = []
    for project, rows in judged:
        lengths = [len(r) for r in parts.values()] if project is None else [len(rows)]
        rng = np.random.default_rng(seed)
        pairs = [_pair(champion, challenger, metric, rows) for metric in metrics]
        drawn = _drawn(pairs, lengths, repeats, rng)
        for (metric, higher), pair, draws in zip(metrics.items(), pairs, drawn, strict=True):
            if pair is not None:
                found.append(_comparison((metric, higher), pair, draws, (project, lengths)))
    return tuple(found)


Pair = tuple[Measure, Measure]


def _pair(champion: RowScores, challenger: RowScores, metric: str, rows: Rows) -> Pair | None:
    old, new = champion.measure(metric, rows), challenger.measure(metric, rows)
    return None if old is None or new is None else (old, new)


def _parts(scores: RowScores) -> dict[str, Rows]:
    """Rows of each project in order of time."""
    names = scores.project.astype(str)
    found = {}
    for name in sorted(set(names.tolist())):
        own = np.flatnonzero(names == name)
        found[name] = own[np.argsort(scores.sequence[own], kind="stable")]
    return found


def _drawn(
    pairs: list[Pair | None], lengths: list[int], repeats: int, rng: np.random.Generator
) -> list[Floats]:
    """Challenger's less champion's value of each pair in each draw (repeats,)."""
    found: list[list[Floats]] = [[] for _ in pairs]
    for count in _batches(repeats, sum(lengths)):
        parts = [weights(n, repeats=count, block=block_length(n), rng=rng) for n in lengths]
        drawn = np.concatenate(parts, axis=1)
        for pair, differences in zip(pairs, found, strict=True):
            if pair is not None:
                differences.append(pair[1](drawn) - pair[0](drawn))
    return [np.concatenate(each) if each else np.zeros(0) for each in found]


def _batches(repeats: int, rows: int) -> Iterator[int]:
    most = max(1, _CELLS // max(rows, 1))
    while repeats > 0:
        yield min(most, repeats)
        repeats -= most


def _comparison(
    about: tuple[str, bool], pair: Pair, draws: Floats, where: tuple[str | None, list[int]]
) -> Comparison:
    (metric, higher), (project, lengths) = about, where
    rows, blocks = sum(lengths), sum(-(-n // block_length(n)) for n in lengths)
    once = np.ones((1, rows))
    old, new = float(pair[0](once)[0]), float(pair[1](once)[0])
    sign = -1.0 if higher else 1.0
    low, high = interval(sign * draws)
    worse_by = sign * (new - old)
    return Comparison(
        metric=metric,
        project=project,
        rows=rows,
        champion=old,
        challenger=new,
        worse_by=worse_by,
        low=low,
        high=high,
        chance=_chance(worse_by, draws, blocks),
    )


def _chance(worse_by: float, draws: Floats, blocks: int) -> float:
    known = draws[np.isfinite(draws)]
    spread = float(known.std()) if known.size > 1 else 0.0
    if not math.isfinite(worse_by) or blocks < _FEWEST_BLOCKS:
        return 1.0
    if spread == 0.0:
        return 0.0 if worse_by > 0 else 1.0
    ratio = worse_by / (spread * math.sqrt(blocks / (blocks - 1)))
    return 0.5 * math.erfc(_normal_of(ratio, blocks - 1) / math.sqrt(2))


def _normal_of(ratio: float, freedom: int) -> float:
    """Return the normal deviate that is as improbable as a Student's *ratio*."""
    size = math.sqrt(freedom * math.log1p(ratio**2 / freedom))
    return math.copysign(size * (8 * freedom + 1) / (8 * freedom + 3), ratio)


def _mean_of(values: Floats) -> Measure:
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)

    def mean(drawn: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(drawn @ filled / (drawn @ known), dtype=np.float64)

    return mean


def _gap_of(covered: Bools) -> Measure:
    mean = _mean_of(covered.astype(np.float64))
    return lambda drawn: np.abs(mean(drawn) - NOMINAL_COVERAGE)


def _ece_of(positive: Bools, probability: Floats) -> Measure:
    place = np.clip((probability * BINS).astype(np.int64), 0, BINS - 1)
    gap = np.zeros((len(probability), BINS))
    gap[np.arange(len(probability)), place] = probability - positive

    def error(drawn: Floats) -> Floats:
        return np.asarray(np.abs(drawn @ gap).sum(axis=1) / drawn.sum(axis=1), dtype=np.float64)

    return error


def _auc_of(positive: Bools, score: Floats) -> Measure:
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.concatenate([[True], np.diff(ordered) > 0]))
    truth = positive[order].astype(np.float64)

    def area(drawn: Floats) -> Floats:
        taken = drawn[:, order]
        hits = np.add.reduceat(taken * truth, starts, axis=1)
        others = np.add.reduceat(taken * (1 - truth), starts, axis=1)
        below = np.cumsum(others, axis=1) - others / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            pairs = hits.sum(axis=1) * others.sum(axis=1)
            return np.asarray((hits * below).sum(axis=1) / pairs, dtype=np.float64)

    return area
