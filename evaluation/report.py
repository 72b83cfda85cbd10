"""A report: everything an evaluation found, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec

from evaluation.duration_charts import coverage_over_time, error_against_age
from evaluation.failure_charts import calibration, skipping
from evaluation.figures import Comparison, Figure
from evaluation.ranking_charts import apfd_over_time, recall_against_cost, savings
from evaluation.replayed import Replayed
from evaluation.sentences import sentences
from evaluation.summaries import REPEATS, summarise
from training.charts import Chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one set of histories showed in one mode.

    Attributes:
        data: What the set is called.
        mode: How it was replayed.
        sentences: What would have happened, in words.
        figures: Every figure with its interval.
        comparisons: The model against every other rule.
        charts: What the pictures show; none without a panel.
    """

    data: str
    mode: str
    sentences: tuple[str, ...]
    figures: tuple[Figure, ...]
    comparisons: tuple[Comparison, ...]
    charts: tuple[Chart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An evaluation.

    Attributes:
        title: What was evaluated.
        made_on: The day.
        notes: How it was measured, what to keep in mind.
        parts: One a set and mode.
    """

    title: str
    made_on: date
    notes: tuple[str, ...]
    parts: tuple[Part, ...]


def report_of(  # noqa: PLR0913 - facts that nothing here can know
    replayed: Iterable[Replayed],
    *,
    title: str,
    made_on: date,
    seed: int,
    notes: Sequence[str] = (),
    repeats: int = REPEATS,
) -> Report:
    """Measure, compare, put into words and prepare the charts.

    Args:
        replayed: Sets of histories.
        title: What was evaluated.
        made_on: Today.
        seed: For the draws of the intervals and the random orders of tests.
        notes: How it was measured.
        repeats: Draws for each interval.
    """
    return Report(
        title=title,
        made_on=made_on,
        notes=tuple(notes),
        parts=tuple(_part(one, seed, repeats) for one in replayed),
    )


def to_json(report: Report) -> bytes:
    """Return *report* as JSON; what is undefined becomes `null`."""
    return msgspec.json.encode(report)


def _part(replayed: Replayed, seed: int, repeats: int) -> Part:
    summary = summarise(replayed, seed=seed, repeats=repeats)
    return Part(
        data=replayed.data,
        mode=replayed.mode,
        sentences=sentences(replayed),
        figures=summary.figures,
        comparisons=summary.comparisons,
        charts=tuple(chart for chart in _charts(replayed, seed) if chart.panels),
    )


def _charts(replayed: Replayed, seed: int) -> tuple[Chart, ...]:
    return (
        savings(replayed.rankings, seed=seed),
        recall_against_cost(replayed.rankings, seed=seed),
        apfd_over_time(replayed.rankings),
        calibration(replayed.failures),
        skipping(replayed.failures),
        coverage_over_time(replayed.durations),
        error_against_age(replayed.durations),
    )
