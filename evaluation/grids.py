"""Figures arranged for reading: one grid for each question, whatever it is written as."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

from evaluation import measures
from evaluation.figures import MEAN, Comparison, Figure, Verdict
from evaluation.measures import FIRST, REPEATED, for_target, measure, target_of
from evaluation.samples import MODEL

NOISE = "(noise)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table of text.

    Attributes:
        title: What it shows.
        columns: Heads; the first `words` are words, the rest numbers.
        rows: Cells, as many as there are columns.
        words: Columns to set flush left.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    title: str
    metrics: tuple[str, ...]


_FAMILIES = (
    _Family(title="Durations", metrics=tuple(measures.DURATION)),
    _Family(title="Failures", metrics=tuple(measures.FAILURE)),
    _Family(
        title="First failures (the build before had passed)",
        metrics=tuple(name + FIRST for name in measures.FAILURE),
    ),
    _Family(
        title="Repeated failures (the build before had failed)",
        metrics=tuple(name + REPEATED for name in measures.FAILURE),
    ),
    _Family(title="Order of tests", metrics=tuple(measures.ORDER)),
)


def figure_grids(figures: Iterable[Figure]) -> Iterator[Grid]:
    """Arrange the figures of one set and mode: projects and rules down, figures across."""
    known = tuple(figures)
    for family in (*_FAMILIES, *_targets(known)):
        chosen = [figure for figure in known if figure.metric in family.metrics]
        if any(isfinite(figure.value) for figure in chosen):
            yield _grid(family, chosen)


def narrow_grids(figures: Iterable[Figure]) -> Iterator[Grid]:
    """Arrange the figures of one set and mode for a terminal: one grid a project and question.

    Figures down, rules across; the model with its interval, the others without.
    """
    known = tuple(figures)
    for family in (*_FAMILIES, *_targets(known)):
        chosen = [f for f in known if f.metric in family.metrics and isfinite(f.value)]
        for project in sorted(dict.fromkeys(f.project for f in chosen), key=MEAN.__eq__):
            yield _narrow(family, [f for f in chosen if f.project == project])


def verdict_grid(comparisons: Iterable[Comparison]) -> Grid:
    """Arrange comparisons: rules and figures down; the mean, and on how many projects across."""
    grouped: dict[tuple[str, str], list[Comparison]] = {}
    for one in comparisons:
        grouped.setdefault((one.rule, one.metric), []).append(one)
    return Grid(
        title="The model against each rule (90 % intervals; seconds as a ratio)",
        columns=("against", "figure", "mean over projects", *(str(v) for v in Verdict)),
        rows=tuple(_tally(*key, group) for key, group in grouped.items()),
    )


def narrow_verdicts(comparisons: Iterable[Comparison]) -> Iterator[Grid]:
    """Arrange verdicts for a terminal: one grid a question, figures down, rules across.

    A cell says what holds of the mean (or the only project), then on how many projects the model
    beats the rule, is within noise of it, and is worse.
    """
    known = tuple(comparisons)
    for family in _FAMILIES:
        chosen = [one for one in known if one.metric in family.metrics]
        if chosen:
            yield _verdicts(family.title, chosen)


def _verdicts(title: str, known: list[Comparison]) -> Grid:
    rules = list(dict.fromkeys(one.rule for one in known))
    groups: dict[tuple[str, str], list[Comparison]] = {}
    for one in known:
        groups.setdefault((one.metric, one.rule), []).append(one)
    return Grid(
        title=f"{title}: the model against each rule (projects it beats / noise / worse)",
        columns=("figure", *rules),
        rows=tuple(
            (measure(metric).label, *(_said(groups.get((metric, rule), [])) for rule in rules))
            for metric in dict.fromkeys(metric for metric, _ in groups)
        ),
        words=1 + len(rules),
    )


def _said(group: list[Comparison]) -> str:
    if not group:
        return ""
    alone = [one for one in group if one.project != MEAN]
    whole = [one for one in group if one.project == MEAN]
    if len(alone) == 1 and not whole:
        return str(alone[0].verdict)
    counts = "/".join(str(sum(one.verdict is kind for one in alone)) for kind in Verdict)
    return " ".join([*(str(one.verdict) for one in whole), counts])


def cell(figure: Figure | Comparison, *, interval: bool = True) -> str:
    """Write a value, with its interval if there is one; empty where it is undefined."""
    if not isfinite(figure.value):
        return ""
    value = _number(figure.value)
    if not interval or not isfinite(figure.low):
        return value
    return f"{value} ({_number(figure.low)} to {_number(figure.high)})"


def _grid(family: _Family, figures: list[Figure]) -> Grid:
    metrics = [name for name in family.metrics if any(f.metric == name for f in figures)]
    rows: dict[tuple[str, str], dict[str, Figure]] = {}
    for figure in figures:
        rows.setdefault((figure.project, figure.rule), {})[figure.metric] = figure
    places = list(dict.fromkeys(project for project, _ in rows))
    ordered = sorted(rows, key=lambda key: (key[0] == MEAN, places.index(key[0])))
    return Grid(
        title=family.title,
        columns=(
            *("project", "by", "builds", "failing"),
            *(measure(name).label for name in metrics),
        ),
        rows=tuple(_row(key, rows[key], metrics) for key in ordered),
    )


def _narrow(family: _Family, figures: list[Figure]) -> Grid:
    rules = list(dict.fromkeys(figure.rule for figure in figures))
    found = {(figure.metric, figure.rule): figure for figure in figures}
    metrics = [name for name in family.metrics if any(f.metric == name for f in figures)]
    return Grid(
        title=f"{family.title}: {_about(figures)}",
        columns=("figure", *rules),
        rows=tuple((measure(name).label, *_across(found, name, rules)) for name in metrics),
        words=1,
    )


def _across(
    found: Mapping[tuple[str, str], Figure], metric: str, rules: Iterable[str]
) -> Iterator[str]:
    for rule in rules:
        figure = found.get((metric, rule))
        yield "" if figure is None else cell(figure, interval=rule == MODEL)


def _about(figures: list[Figure]) -> str:
    """Name the project and say what its figures rest on."""
    failing = max((f.positives for f in figures if f.positives is not None), default=None)
    count = f"{figures[0].project}, {max(f.n for f in figures)} builds"
    noise = f" {NOISE}" if any(figure.noise for figure in figures) else ""
    return f"{count}{noise}" if failing is None else f"{count}, {failing} failing{noise}"


def _row(key: tuple[str, str], found: dict[str, Figure], metrics: Iterable[str]) -> tuple[str, ...]:
    project, rule = key
    noisy = any(figure.noise for figure in found.values())
    n = max(figure.n for figure in found.values())
    counts = [f.positives for f in found.values() if f.positives is not None]
    return (
        f"{project} {NOISE}" if noisy else project,
        rule,
        str(n) if n else "",
        str(max(counts)) if counts else "",
        *(cell(found[name]) if name in found else "" for name in metrics),
    )


def _targets(figures: Iterable[Figure]) -> list[_Family]:
    names = dict.fromkeys(target_of(figure.metric) for figure in figures)
    return [
        _Family(
            title=f"Subsets of tests by {target}",
            metrics=tuple(for_target(name, target) for name in measures.SELECTION),
        )
        for target in names
        if target
    ]


def _tally(rule: str, metric: str, group: list[Comparison]) -> tuple[str, ...]:
    alone = [one for one in group if one.project != MEAN]
    mean = next((one for one in group if one.project == MEAN), None)
    said = f"{cell(mean)}: {mean.verdict}{' ' + NOISE if mean.noise else ''}" if mean else ""
    if not mean and len(alone) == 1:
        said = f"{cell(alone[0])}{' ' + NOISE if alone[0].noise else ''}"
    return (
        rule,
        metric,
        said,
        *(str(sum(one.verdict is kind for one in alone)) for kind in Verdict),
    )


def _number(value: float) -> str:
    size = abs(value)
    if size >= 100 or value == 0:  # noqa: PLR2004 - finer says nothing
        return f"{value:.0f}" if size < 1e6 else f"{value:.3g}"  # noqa: PLR2004 - as above
    return f"{value:.1f}" if size >= 10 else f"{value:.3f}"  # noqa: PLR2004 - as above
