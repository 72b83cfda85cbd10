"""From what was said and what happened to figures with intervals, and to verdicts.

Per project and as a mean over projects. All rules are measured on the same draws of builds, so
that a difference is that of the rules and not of the draws; projects are drawn independently.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation import duration_samples, failure_samples, ranking_samples
from evaluation.figures import MEAN, Comparison, Figure, verdict
from evaluation.measures import Better, measure
from evaluation.printed import against_print, figures_in_print
from evaluation.replayed import Replayed
from evaluation.results import Floats
from evaluation.samples import MODEL, Sample, Size
from models.resampling import interval, resamples
from models.scorecard import NOISE_BELOW

REPEATS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Everything that was measured.

    Attributes:
        figures: In order of set, kind, project and rule.
        comparisons: Of the model with every other rule.
    """

    figures: tuple[Figure, ...]
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Measured:
    """A rule's figure in one project: its value first, then one value a draw (1 + repeats,)."""

    values: Mapping[tuple[str, str], Floats]
    sample: Sample


def summarise(replayed: Replayed, *, seed: int, repeats: int = REPEATS) -> Summary:
    """Measure a set of histories.

    Args:
        replayed: What was said and what happened.
        seed: For the draws of the intervals.
        repeats: How many draws.
    """
    kinds = (
        [duration_samples.sample(found) for found in replayed.durations],
        [failure_samples.sample(found) for found in replayed.failures],
        [ranking_samples.sample(found) for found in replayed.rankings],
    )
    figures: list[Figure] = []
    comparisons: list[Comparison] = []
    for samples in kinds:
        made = _Kind(replayed, [_measured(sample, seed, repeats) for sample in samples])
        figures += made.figures()
        comparisons += made.comparisons()
    printed = figures_in_print(replayed, figures)
    comparisons += against_print(figures, printed)
    return Summary(figures=(*figures, *printed), comparisons=tuple(comparisons))


def _measured(sample: Sample, seed: int, repeats: int) -> _Measured:
    rng = np.random.default_rng([seed, *sample.project.encode()])
    draws = resamples(sample.units, repeats=repeats, block=sample.block, rng=rng)
    values: dict[tuple[str, str], Floats] = {}
    for rule, measured in sample.rules.items():
        found = [measured(rows) for rows in (np.arange(sample.units), *draws)]
        for metric in found[0]:
            values[rule, metric] = np.array([one[metric] for one in found])
    return _Measured(values=values, sample=sample)


class _Kind:
    """Projects of one set, measured by the same rules."""

    def __init__(self, replayed: Replayed, projects: list[_Measured]) -> None:
        self._of = replayed
        self._projects = projects

    def figures(self) -> Iterator[Figure]:
        for one in self._projects:
            for (rule, metric), values in one.values.items():
                yield self._figure(one.sample.project, rule, metric, values)
        for rule, metric in self._shared():
            yield self._figure(MEAN, rule, metric, _mean(self._all(rule, metric)))

    def comparisons(self) -> Iterator[Comparison]:
        for one in self._projects:
            for rule, metric in _comparable(one.values):
                pair = _compared(one.values[MODEL, metric], one.values[rule, metric], metric)
                yield self._comparison(one.sample.project, rule, metric, pair)
        for rule, metric in _comparable(self._shared()):
            pairs = zip(self._all(MODEL, metric), self._all(rule, metric), strict=True)
            compared = [_compared(ours, theirs, metric) for ours, theirs in pairs]
            yield self._comparison(MEAN, rule, metric, _mean(compared))

    def _figure(self, project: str, rule: str, metric: str, values: Floats) -> Figure:
        low, high = _interval(values, metric)
        size = self._size(project, metric)
        return Figure(
            data=self._of.data,
            mode=self._of.mode,
            project=project,
            rule=rule,
            metric=metric,
            value=float(values[0]),
            low=low,
            high=high,
            n=size.n,
            positives=size.positives,
            noise=_noisy(size),
        )

    def _comparison(self, project: str, rule: str, metric: str, values: Floats) -> Comparison:
        """Make a comparison; ratios come as logarithms."""
        how = measure(metric)
        ends = (float(values[0]), *_interval(values, metric))
        value, low, high = np.exp(ends).tolist() if how.seconds else ends
        noise = _noisy(self._size(project, metric))
        return Comparison(
            data=self._of.data,
            mode=self._of.mode,
            project=project,
            rule=rule,
            metric=metric,
            ratio=how.seconds,
            value=value,
            low=low,
            high=high,
            noise=noise,
            verdict=verdict(low, high, better=how.better, ratio=how.seconds, noise=noise),
        )

    def _shared(self) -> list[tuple[str, str]]:
        """Rules and figures that every project has, if there are several projects."""
        if len(self._projects) < 2:  # noqa: PLR2004 - of one there is no mean
            return []
        first, *others = self._projects
        return [key for key in first.values if all(key in other.values for other in others)]

    def _all(self, rule: str, metric: str) -> list[Floats]:
        return [one.values[rule, metric] for one in self._projects]

    def _size(self, project: str, metric: str) -> Size:
        wanted = [o.sample.sizes[metric] for o in self._projects if o.sample.project == project]
        if wanted:
            return wanted[0]
        every = [one.sample.sizes[metric] for one in self._projects]
        positives = [size.positives for size in every if size.positives is not None]
        return Size(n=sum(s.n for s in every), positives=sum(positives) if positives else None)


def _comparable(keys: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [
        (rule, metric)
        for rule, metric in keys
        if rule != MODEL and measure(metric).better is not Better.NEITHER
    ]


def _compared(ours: Floats, theirs: Floats, metric: str) -> Floats:
    if not measure(metric).seconds:
        return np.asarray(ours - theirs, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(ours) - np.log(theirs), dtype=np.float64)


def _mean(projects: Sequence[Floats]) -> Floats:
    """Average projects (p of (b,)), leaving out what is undefined; NaN where nothing is left."""
    table = np.stack(projects)
    known = np.isfinite(table)
    counts = known.sum(axis=0)
    sums = np.where(known, table, 0.0).sum(axis=0)
    means: Floats = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return means


def _interval(values: Floats, metric: str) -> tuple[float, float]:
    low, high = interval(values[1:])
    if not measure(metric).overstated or not np.isfinite(low):
        return low, high
    excess = float(np.nanmedian(values[1:])) - float(values[0])
    return low - excess, high - excess


def _noisy(size: Size) -> bool:
    return size.positives is not None and size.positives < NOISE_BELOW
