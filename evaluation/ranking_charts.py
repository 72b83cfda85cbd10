"""Charts about tests: what a part of the time catches, and how it changes from build to build."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from evaluation.budgets import filled, per_cost, spent_shares
from evaluation.measures import for_target
from evaluation.ranking_samples import ranked, sample, scores, targets
from evaluation.results import Floats, RankedBuild, Rankings
from evaluation.samples import MODEL
from models.ranking import apfd, cost_order
from training.charts import Chart, Line, Panel, Role, line, noise, rolling_mean

WINDOW = 20
"""Failing builds over which APFD is averaged."""
RANDOM_ORDERS = 20
"""Random orders of each build, for the line of pure chance."""
GRID = np.linspace(0.0, 1.0, 101)

Curve = Callable[[RankedBuild, Floats], Floats]
"""A build and the scores of its tests (m,) to a curve over `GRID`."""


def recall_against_cost(found: Sequence[Rankings], *, seed: int) -> Chart:
    """Chart the share of failing tests found against the share of test time spent."""
    return Chart(
        name="recall_by_cost",
        title="Failing tests found against test time spent (mean over failing builds)",
        x_label="share of test time spent",
        y_label="share of failing tests found",
        panels=tuple(_recalls(one, seed) for one in found if any(map(ranked, one.builds))),
        x_percent=True,
        y_percent=True,
        y_high=1.0,
    )


def savings(found: Sequence[Rankings], *, seed: int) -> Chart:
    """Chart the share of failing builds missed against the share of test time saved."""
    return Chart(
        name="savings",
        title="What running only a part of the tests would save and miss",
        x_label="share of test time saved",
        y_label="share of failing builds missed",
        panels=tuple(_savings(one, seed) for one in found if any(map(ranked, one.builds))),
        x_percent=True,
        y_percent=True,
        y_high=0.5,
    )


def apfd_over_time(found: Sequence[Rankings]) -> Chart:
    """Chart APFD from failing build to failing build, beside the rule that was best on it."""
    return Chart(
        name="apfd",
        title=f"APFD, mean of the last {WINDOW} failing builds",
        x_label="failing builds so far",
        y_label="APFD (1 is best, 0.5 is chance)",
        panels=tuple(_apfds(one) for one in found if sum(map(ranked, one.builds)) >= WINDOW),
        y_low=None,
    )


def _recalls(found: Rankings, seed: int) -> Panel:
    count = sum(map(ranked, found.builds))
    return Panel(
        title=f"{found.project}: {count} failing builds{noise(count)}",
        lines=tuple(
            line(f"{label}, area {np.trapezoid(curve, GRID):.3f}", role, GRID, curve)
            for label, role, curve in _curves(found, _recall, seed)
        ),
    )


def _savings(found: Rankings, seed: int) -> Panel:
    count = sum(map(ranked, found.builds))
    lines = [
        line(label, role, 1 - GRID, 1 - curve)
        for label, role, curve in _curves(found, _any_caught, seed)
    ]
    return Panel(
        title=f"{found.project}: {count} failing builds{noise(count)}",
        lines=(*lines, *_by_target(found)),
    )


def _by_target(found: Rankings) -> Iterator[Line]:
    names = targets(found.builds)
    if names:
        measured = sample(found).rules[MODEL](np.arange(len(found.builds)))
        saved, missed = (
            [measured[for_target(f"selection_{what}", name)] for name in names]
            for what in ("saved", "missed")
        )
        yield line("subsets chosen by target", Role.TARGETS, saved, missed, names)


def _apfds(found: Rankings) -> Panel:
    builds = [build for build in found.builds if ranked(build)]
    rules = [MODEL, *builds[0].baselines]
    values = {rule: [apfd(build.failed, scores(build, rule)) for build in builds] for rule in rules}
    best = max(rules[1:], key=lambda rule: float(np.mean(values[rule])), default="")
    shown = [(best, f"{best} (best rule)", Role.RULE)] if best else []
    shown.append((MODEL, MODEL, Role.MODEL))
    return Panel(
        title=f"{found.project}: {len(builds)} failing builds{noise(len(builds))}",
        lines=tuple(
            line(f"{label}, mean {np.mean(values[rule]):.3f}", role, *_rolled(values[rule]))
            for rule, label, role in shown
        ),
    )


def _rolled(values: Sequence[float]) -> tuple[Floats, Floats]:
    means = rolling_mean(values, window=WINDOW)
    return np.arange(WINDOW, WINDOW + len(means), dtype=np.float64), means


def _curves(found: Rankings, curve: Curve, seed: int) -> Iterator[tuple[str, Role, Floats]]:
    builds = [build for build in found.builds if ranked(build)]
    rng = np.random.default_rng(seed)
    chance = [
        curve(build, rng.random(len(build.failed)))
        for build in builds
        for _ in range(RANDOM_ORDERS)
    ]
    yield "random", Role.RANDOM, np.mean(chance, axis=0)
    for rule in builds[0].baselines:
        yield rule, Role.RULE, _mean_curve(builds, rule, curve)
    yield MODEL, Role.MODEL, _mean_curve(builds, MODEL, curve)


def _mean_curve(builds: Sequence[RankedBuild], rule: str, curve: Curve) -> Floats:
    curves = []
    for build in builds:
        weighed = per_cost(scores(build, rule), filled(build.expected_s))
        curves.append(curve(build, weighed))
    return np.asarray(np.mean(curves, axis=0), dtype=np.float64)


def _recall(build: RankedBuild, score: Floats) -> Floats:
    found_at = np.sort(_spent(build, score)[build.failed])
    return np.asarray(np.searchsorted(found_at, GRID + 1e-9, side="right") / len(found_at))


def _any_caught(build: RankedBuild, score: Floats) -> Floats:
    first = _spent(build, score)[build.failed].min()
    return np.asarray(first <= GRID + 1e-9, dtype=np.float64)


def _spent(build: RankedBuild, score: Floats) -> Floats:
    return spent_shares(cost_order(score, filled(build.expected_s)), build.cost_s)
