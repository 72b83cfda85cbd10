"""Ranked tests as figures: how early failures are found, and what subsets would have missed.

A test of which nothing was known ranks as one that never fails, by the model as by simple rules;
subsets have it anyway. Orders by time weigh scores against expected durations; costs are real.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from evaluation.budgets import filled, napfd, per_cost, ran_within
from evaluation.measures import ORDER, SELECTION, TIME_SHARES, for_target
from evaluation.results import Floats, RankedBuild, Rankings
from evaluation.samples import MODEL, Measured, Sample, Size
from models.ranking import apfd, apfdc, cost_order
from models.resampling import Rows

MORE_TESTS_THAN = 5
"""An order of so few tests says nothing; such builds are not ranked."""

Part = tuple[float, float]
"""What a build adds to a figure's numerator and to its denominator."""
_NOTHING = (0.0, 0.0)


def sample(found: Rankings) -> Sample:
    """Return what can be measured about a project's ranked tests; one row is a build."""
    builds = found.builds
    rules = [MODEL, *(builds[0].baselines if builds else ())]
    parts = {rule: [order_parts(build, scores(build, rule)) for build in builds] for rule in rules}
    chosen = targets(builds)
    parts[MODEL] = [
        ordered | selection_parts(build, chosen)
        for ordered, build in zip(parts[MODEL], builds, strict=True)
    ]
    return Sample(
        project=found.project,
        units=len(builds),
        block=1,
        rules={rule: _averages(rows) for rule, rows in parts.items()},
        sizes=_sizes(builds, chosen),
    )


def targets(builds: Iterable[RankedBuild]) -> tuple[str, ...]:
    """Return the targets that subsets were chosen by."""
    return tuple(dict.fromkeys(target for build in builds for target in build.selected))


def scores(build: RankedBuild, rule: str) -> Floats:
    """Return a rule's scores (m,), 0 where it knows nothing."""
    said = build.probability if rule == MODEL else build.baselines[rule]
    return np.nan_to_num(said.astype(np.float64), nan=0.0)


def ranked(build: RankedBuild) -> bool:
    """Whether the order of a build's tests is measured."""
    return len(build.failed) > MORE_TESTS_THAN and bool(build.failed.any())


def order_parts(build: RankedBuild, score: Floats) -> dict[str, Part]:
    """Return what an order of the tests adds to each figure."""
    expected = filled(build.expected_s)
    early = cost_order(score, expected)
    limited = napfd(build.failed, early, build.cost_s, share=0.5)
    parts = dict.fromkeys(ORDER, _NOTHING) | {"napfd_at_50_percent": (limited, 1.0)}
    if not ranked(build):
        return parts
    weighed = per_cost(score, expected)
    cheap = cost_order(weighed, expected)
    found = {
        "apfd": apfd(build.failed, score),
        "apfdc": apfdc(build.failed, weighed, build.cost_s),
    }
    for share in TIME_SHARES:
        caught = ran_within(cheap, build.cost_s, share=share / 100)[build.failed]
        found[f"recall_at_{share}_percent"] = float(caught.mean())
        found[f"caught_at_{share}_percent"] = float(caught.any())
    return parts | {name: _part(value) for name, value in found.items()}


def selection_parts(build: RankedBuild, chosen: Iterable[str]) -> dict[str, Part]:
    """Return what the subsets of a build add to each figure."""
    found: dict[str, Part] = {}
    for target in chosen:
        ran = build.selected.get(target, np.ones(len(build.failed), dtype=np.bool_))
        caught = ran[build.failed]
        values = {
            "selection_recall": _part(float(caught.mean())) if caught.size else _NOTHING,
            "selection_missed": _part(float(not caught.any())) if caught.size else _NOTHING,
            "selection_saved": (float(build.cost_s[~ran].sum()), float(build.cost_s.sum())),
            "selection_run_all": (float(bool(build.run_all.get(target, ""))), 1.0),
        }
        found |= {for_target(name, target): part for name, part in values.items()}
    return found


def _part(value: float) -> Part:
    return _NOTHING if np.isnan(value) else (value, 1.0)


def _averages(builds: list[dict[str, Part]]) -> Measured:
    names = list(builds[0]) if builds else []
    table = np.array([[build[name] for name in names] for build in builds], dtype=np.float64)

    def measured(rows: Rows) -> Mapping[str, float]:
        if not names:
            return {}
        top, bottom = table[rows].sum(axis=0).T
        values = np.divide(top, bottom, out=np.full(len(names), np.nan), where=bottom > 0)
        return dict(zip(names, values.tolist(), strict=True))

    return measured


def _sizes(builds: tuple[RankedBuild, ...], chosen: Iterable[str]) -> dict[str, Size]:
    orders = sum(ranked(build) for build in builds)
    failing = sum(bool(build.failed.any()) for build in builds)
    by_order = dict.fromkeys(ORDER, Size(n=orders, positives=orders))
    by_order["napfd_at_50_percent"] = Size(n=len(builds), positives=failing)
    on_failing, on_all = Size(n=failing, positives=failing), Size(n=len(builds))
    by_target = {
        for_target(name, target): on_failing if name.endswith(("recall", "missed")) else on_all
        for target in chosen
        for name in SELECTION
    }
    return by_order | by_target
