"""Charts about durations: whether intervals hold over time, and how errors grow with age."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.results import Durations, Floats
from models.metrics import median_error
from training.charts import Chart, Line, Panel, Role, line, rolling_mean

WINDOW = 50
"""Builds over which coverage is counted."""
NOMINAL = 0.8
_PARTS = 10
_LEAST = 5


def coverage_over_time(found: Sequence[Durations]) -> Chart:
    """Chart the share of builds inside the 80 % interval, over the last 50 builds each."""
    return Chart(
        name="coverage",
        title=f"Coverage of the 80 % interval over the last {WINDOW} builds",
        x_label="builds predicted so far",
        y_label="share of builds inside",
        panels=tuple(_coverage(one) for one in found if len(one.actual_s) >= WINDOW),
        y_percent=True,
        y_low=0.4,
        y_high=1.0,
    )


def error_against_age(found: Sequence[Durations]) -> Chart:
    """Chart the error, relative to the median duration, against the age of the model.

    Age is counted in builds since the refit where that is known, else since the first predicted
    build. Each point is the median of a tenth of the builds.
    """
    dated = bool(found) and all(one.age_builds is not None for one in found)
    since = "since the model's refit" if dated else "since the first prediction"
    return Chart(
        name="error_by_age",
        title="Error of the predicted duration as the model ages",
        x_label=f"builds {since}",
        y_label="median error / median duration",
        panels=tuple(_ageing(one) for one in found if len(one.actual_s) >= _PARTS * _LEAST),
        y_percent=True,
    )


def best_rule(found: Durations) -> str:
    """Name the simple rule with the smallest median error; empty if there is none."""
    errors = {rule: median_error(found.actual_s, s) for rule, s in found.baselines_s.items()}
    return min(errors, key=errors.__getitem__, default="")


def _coverage(found: Durations) -> Panel:
    low, high = found.quantiles_s[:, 0], found.quantiles_s[:, 2]
    inside = (low <= found.actual_s) & (found.actual_s <= high)
    shares = rolling_mean(inside, window=WINDOW)
    x = np.arange(WINDOW, WINDOW + len(shares))
    spread = 2 * np.sqrt(NOMINAL * (1 - NOMINAL) / WINDOW)
    ends = x[[0, -1]]
    bounds = [
        line(label, Role.BOUND, ends, np.full(2, NOMINAL + side * spread))
        for label, side in ((f"chance, {WINDOW} builds (2 s.e.)", -1), ("", 1))
    ]
    return Panel(
        title=f"{found.project}: {inside.mean():.1%} of {len(inside)} builds",
        lines=(
            *bounds,
            line("80 %", Role.NOMINAL, ends, np.full(2, NOMINAL)),
            line("model", Role.MODEL, x, shares),
        ),
    )


def _ageing(found: Durations) -> Panel:
    usual = max(float(np.median(found.actual_s)), 1e-9)
    age = found.age_builds
    if age is None:
        age = np.arange(len(found.actual_s), dtype=np.float64)
    rule = best_rule(found)
    lines = [_by_age("model", Role.MODEL, age, found.actual_s - found.quantiles_s[:, 1], usual)]
    if rule:
        error = found.actual_s - found.baselines_s[rule]
        lines.insert(0, _by_age(f"{rule} (best rule)", Role.RULE, age, error, usual))
    return Panel(title=f"{found.project}: {len(age)} builds", lines=tuple(lines))


def _by_age(label: str, role: Role, age: Floats, error_s: Floats, usual_s: float) -> Line:
    order = np.argsort(age, kind="stable")
    parts = [part for part in np.array_split(order, _PARTS) if part.size]
    x = [float(np.median(age[part])) for part in parts]
    y = [float(np.median(np.abs(error_s[part]))) / usual_s for part in parts]
    return line(label, role, x, y)
