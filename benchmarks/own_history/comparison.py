"""Orders of tests compared: the forest with and without change affinity, and simple rules.

Everything walks forward: a forest learns from the builds whose verdicts were known when the first
build it is asked about was queued.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.blocks import refits
from features.verdict_state import TestState
from models.forest import FlatForest, flatten_trees
from models.ranking import apfd, recall_at_cost
from training.config import ForestConfig, seeds
from training.examples import Examples, Mask
from training.fit_forest import apfd_weights, grow
from training.ranking_scorecards import BASELINES, baseline_score

Floats = NDArray[np.float64]

AFFINITY = ("failed_together", "touched_together", "path_tokens")
"""The groups of features that look at what a change touches."""
ALL, WITHOUT = "forest", "forest without change affinity"
SHARES = (10, 20, 50)
"""Percent of tests, or of time."""
LEAST_TESTS = 6
"""An order of fewer tests says nothing; such builds are not compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a comparison walks.

    Attributes:
        first: Builds that are only learned from.
        refit_every: Builds predicted before the next refit.
        trees: Of a forest.
        seed: Of the forests.
    """

    first: int = 25
    refit_every: int = 15
    trees: int = 100
    seed: int = 0


def columns_of(groups: Iterable[str], of: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """Return the columns of *groups* and the ranks by them.

    Args:
        groups: Their names; those that *of* does not know are left out.
        of: Columns by group, as in `TestState.groups`.
    """
    own = {name for group in groups for name in of.get(group, ())}
    ranks = {f"rank_{name}" for name in own}
    return frozenset(own | (ranks & {name for names in of.values() for name in names}))


def score_rules(
    examples: Examples, path: Floats, plan: Plan, *, each_group: bool = False
) -> tuple[Mask, dict[str, Floats]]:
    """Score the tests of one project by every rule.

    Args:
        examples: Rows of tests, in order of `sequence`.
        path: The path rule's scores (n,).
        plan: How to walk.
        each_group: Whether to leave out each group of affinity features alone, too.

    Returns:
        Which rows were asked about (n,), and the scores (n,) by rule, NaN elsewhere.
    """
    dropped = {ALL: frozenset[str](), WITHOUT: columns_of(AFFINITY, TestState.groups)}
    if each_group:
        dropped |= {
            f"forest without {one}": columns_of([one], TestState.groups) for one in AFFINITY
        }
    asked = np.zeros(len(examples), dtype=np.bool_)
    found = {rule: np.full(len(examples), np.nan) for rule in dropped}
    for block in refits(examples, first=plan.first, cadence=lambda _: plan.refit_every):
        asked |= block.asked
        for rule, columns in dropped.items():
            kept = [i for i, name in enumerate(examples.names) if name not in columns]
            rows = examples.rows[:, kept]
            known = examples.where(block.known)
            found[rule][block.asked] = _forest(rows[block.known], known, rows[block.asked], plan)
    rates = {rule: baseline_score(examples, column) for rule, column in BASELINES.items()}
    both = path + rates["ewma"] * 0.999
    return asked, {**found, **rates, "path": path, "path, then ewma": both}


def _forest(
    rows: NDArray[np.float32], known: Examples, asked: NDArray[np.float32], plan: Plan
) -> Floats:
    weight = apfd_weights(known.builds(), known.failed)
    if not weight.any():
        return np.zeros(len(asked))
    chosen = weight > 0
    config = ForestConfig(trees=plan.trees, seed=plan.seed)
    shares = weight[chosen] / weight[chosen].mean()
    trees = grow(
        rows[chosen], known.failed[chosen], shares, config, seeds(config.seed, config.trees)
    )
    return FlatForest(flatten_trees(trees), features=rows.shape[1]).predict(asked)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """What came of a comparison: a value a failing build, by rule and metric.

    Attributes:
        values: Rule -> metric -> (builds,), every rule on the same builds.
        builds: How many.
        failures: Failing tests in them.
    """

    values: Mapping[str, Mapping[str, Floats]]
    builds: int
    failures: int


def compare(
    examples: Examples, asked: Mask, scores: Mapping[str, Floats], *, first_failures: bool
) -> Compared:
    """Measure the orders that *scores* make of the tests of each failing build.

    Args:
        examples: Rows of tests (n,).
        asked: Rows that were predicted.
        scores: By rule (n,). A test never seen comes first whatever a rule says, as in a selection.
        first_failures: Whether only tests that passed in their last run take part: those of which
            their own history does not say that they fail now.
    """
    before = examples.column("failed_1")
    part = asked & (before == 0) if first_failures else asked
    builds = [where for where in _builds(examples, part) if _can_tell(examples.failed[where])]
    values = {}
    for rule, score in scores.items():
        said = np.where(np.isnan(before), np.inf, score)
        each = [_measure(examples, where, said[where]) for where in builds]
        names = each[0] if each else ()
        values[rule] = {name: np.array([one[name] for one in each]) for name in names}
    failures = sum(int(examples.failed[where].sum()) for where in builds)
    return Compared(values=values, builds=len(builds), failures=failures)


def pool(parts: Iterable[Compared]) -> Compared:
    """Put the builds of several projects together."""
    known = [part for part in parts if part.builds]
    values = {
        rule: {
            name: np.concatenate([part.values[rule][name] for part in known])
            for name in known[0].values[rule]
        }
        for rule in (known[0].values if known else ())
    }
    builds, failures = sum(one.builds for one in known), sum(one.failures for one in known)
    return Compared(values=values, builds=builds, failures=failures)


def interval(values: Floats, *, seed: int = 0, draws: int = 2_000) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean of *values* (n,)."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, len(values), size=(draws, len(values)))
    low, high = np.quantile(values[chosen].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)


def _can_tell(failed: Mask) -> bool:
    return len(failed) >= LEAST_TESTS and bool(0 < failed.sum() < len(failed))


def _builds(examples: Examples, part: Mask) -> Iterable[NDArray[np.int64]]:
    where = np.flatnonzero(part)
    starts = np.flatnonzero(np.diff(examples.sequence[where])) + 1
    return np.split(where, starts)


def _measure(examples: Examples, where: NDArray[np.int64], score: Floats) -> dict[str, float]:
    failed, cost = examples.failed[where], examples.duration_s[where]
    one_each = np.ones(len(where))
    return {
        "apfd": apfd(failed, score),
        **{
            f"recall at {share} % of tests": recall_at_cost(
                failed, score, one_each, share=share / 100
            )
            for share in SHARES
        },
        **{
            f"at {share} % of time": recall_at_cost(failed, score, cost, share=share / 100)
            for share in SHARES
        },
    }
