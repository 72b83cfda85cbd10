"""The charts of a card: whether what was said is what happened, on builds it had not seen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from models.metrics import coverage, expected_calibration_error
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR
from models.ranking import recall_at_cost
from training.cards.held_out import Floats, HeldOut
from training.charts import Chart, Line, Panel, Role, line, noise, rolling_mean
from training.config import QUANTILES
from training.examples import Examples
from training.ranking_scorecards import BASELINES, MORE_TESTS_THAN, baseline_score

BINS = 10
WINDOW = 50
NOMINAL = QUANTILES[-1] - QUANTILES[0]
SHARES = np.linspace(0.0, 1.0, 51)
_LEAST = 5
_MOST_BUILDS = 300


def charts(model: str, found: HeldOut) -> tuple[Chart, ...]:
    """Return the charts of a version of *model*."""
    if model == BUILD_OPTIMIZER:
        return quantile_calibration(found), interval_coverage(found)
    if model == FAILURE_PREDICTOR:
        return (reliability(found, "build"),)
    return reliability(found, "test"), recall_against_cost(found)


def reliability(found: HeldOut, unit: str) -> Chart:
    """Chart how often builds or tests failed of which the same was said."""
    failed, said = found.rows.failed, found.said
    edges = _edges(said)
    place = np.clip(np.searchsorted(edges, said, side="right") - 1, 0, len(edges) - 2)
    counts = np.bincount(place, minlength=len(edges) - 1)
    full = counts >= _LEAST
    mean = np.bincount(place, said, len(counts))[full] / counts[full]
    seen = np.bincount(place, failed, len(counts))[full] / counts[full]
    most = float(max(mean.max(initial=0.0), seen.max(initial=0.0), 0.05))
    error, positives = expected_calibration_error(failed, said), int(failed.sum())
    title = f"{positives} of {len(failed)} {unit}s failed{noise(positives)}, ECE {error:.3f}"
    chance = np.sqrt(mean * (1 - mean) / counts[full])
    drawn = line("model (bars: 1 s.e.)", Role.MODEL, mean, seen)
    return Chart(
        name="calibration",
        title="Calibration",
        x_label=f"predicted probability that a {unit} fails",
        y_label=f"share of {unit}s that failed",
        panels=(
            Panel(
                title=title,
                lines=(
                    line("as said", Role.NOMINAL, (0, most), (0, most)),
                    Line(
                        label=drawn.label,
                        role=drawn.role,
                        x=drawn.x,
                        y=drawn.y,
                        spread=tuple(chance.tolist()),
                    ),
                ),
            ),
        ),
        y_percent=True,
    )


def quantile_calibration(found: HeldOut) -> Chart:
    """Chart how many builds ended within each quantile, beside how many should have."""
    actual = found.rows.duration_s
    below = [float((actual <= found.said[:, i]).mean()) for i in range(len(QUANTILES))]
    spread = [2 * np.sqrt(q * (1 - q) / len(actual)) for q in QUANTILES]
    drawn = line("model", Role.MODEL, QUANTILES, below)
    return Chart(
        name="calibration",
        title="Calibration of quantiles (bars: 2 s.e.)",
        x_label="quantile as said",
        y_label="share of builds that took no longer",
        panels=(
            Panel(
                title=f"{len(actual)} builds of {len(found.rows.projects)} projects",
                lines=(
                    line("as said", Role.NOMINAL, (0, 1), (0, 1)),
                    Line(
                        label="model",
                        role=Role.MODEL,
                        x=drawn.x,
                        y=drawn.y,
                        spread=tuple(map(float, spread)),
                    ),
                ),
            ),
        ),
        x_percent=True,
        y_percent=True,
        y_high=1.0,
    )


def interval_coverage(found: HeldOut) -> Chart:
    """Chart the share of builds inside the interval over time, the last `WINDOW` builds each."""
    order = np.argsort(found.rows.queued_at, kind="stable")
    low, _, high = found.said[order].T
    actual = found.rows.duration_s[order]
    inside = (low <= actual) & (actual <= high)
    window = min(WINDOW, len(inside))
    shares = np.append(rolling_mean(inside, window=window), inside[-window:].mean())
    x = np.arange(window, window + len(shares))
    ends = x[[0, -1]]
    spread = 2 * np.sqrt(NOMINAL * (1 - NOMINAL) / window)
    bounds = [
        line(label, Role.BOUND, ends, np.full(2, NOMINAL + side * spread))
        for label, side in ((f"chance, {window} builds (2 s.e.)", -1), ("", 1))
    ]
    said = coverage(actual, low, high)
    return Chart(
        name="coverage",
        title=f"Coverage of the 80 % interval over the last {window} builds",
        x_label="scored builds, in order of time",
        y_label="share of builds inside",
        panels=(
            Panel(
                title=f"{said:.1%} of {len(inside)} builds inside",
                lines=(
                    *bounds,
                    line("80 %", Role.NOMINAL, ends, np.full(2, NOMINAL)),
                    line("model", Role.MODEL, x, shares),
                ),
            ),
        ),
        y_percent=True,
        y_low=None,
    )


def recall_against_cost(found: HeldOut) -> Chart:
    """Chart the share of failing tests found against the share of test time spent."""
    builds = list(_ranked(found.rows))[-_MOST_BUILDS:]
    rules = {"model": found.said} | {
        name: baseline_score(found.rows, column) for name, column in BASELINES.items()
    }
    lines = [line("random", Role.RANDOM, (0, 1), (0, 1))]
    for name, score in rules.items() if builds else ():
        curve = np.mean([_recalls(found.rows, build, score) for build in builds], axis=0)
        role = Role.MODEL if name == "model" else Role.RULE
        label = f"{name}, area {np.trapezoid(curve, SHARES):.3f}"
        lines.append(line(label, role, SHARES, curve))
    return Chart(
        name="recall_by_cost",
        title="Failing tests found against test time spent",
        x_label="share of test time spent",
        y_label="share of failing tests found",
        panels=(
            Panel(
                title=f"mean over {len(builds)} failing builds{noise(len(builds))}",
                lines=tuple(lines),
            ),
        ),
        x_percent=True,
        y_percent=True,
        y_high=1.0,
    )


def _recalls(rows: Examples, build: NDArray[np.int64], score: Floats) -> Floats:
    failed, cost = rows.failed[build], rows.duration_s[build]
    return np.array([recall_at_cost(failed, score[build], cost, share=s) for s in SHARES])


def _ranked(rows: Examples) -> Iterator[NDArray[np.int64]]:
    number = rows.builds()
    for build in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(number)) + 1):
        if len(build) > MORE_TESTS_THAN and rows.failed[build].any():
            yield build


def _edges(said: Floats) -> Floats:
    """Bins with equally many of the values (n,), so that rare failures fill some of them."""
    inner = np.quantile(said, np.linspace(0, 1, BINS + 1)[1:-1]) if said.size else said
    return np.unique([0.0, *inner, 1.0])
