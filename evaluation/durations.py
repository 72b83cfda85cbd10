"""Durations walked forward through history: refitted block by block, predicted build by build."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from devmind.errors import NotEnoughHistory, UnlearnableHistory
from evaluation.blocks import Block
from evaluation.results import Durations, Floats
from models.build_optimizer import BuildOptimizer
from training.durations_in_order import predict_in_order
from training.examples import Examples, Mask
from training.recipe import Learned

BASELINES = {"last_run": "last_s", "mean_of_7": "mean7_s", "median_of_7": "median7_s"}
"""Simple rule -> the column of history it repeats: of the pipeline, else of the project."""


def walk_durations(
    examples: Examples, blocks: Iterable[Block], learn: Callable[[Examples], Learned]
) -> list[Durations]:
    """Learn and predict block by block; builds that failed are neither learned from nor asked for.

    A block with too little history to learn from is left out: a service would have abstained.

    Args:
        examples: Rows of any projects, one a build, each project's in order of `sequence`.
        blocks: What is known when, and what is asked.
        learn: The recipe.

    Returns:
        A result for each project that was asked for, sorted; a build asked for in two blocks
        counts as the later one says.
    """
    count = len(examples)
    quantiles_s, mean_s = np.full((count, 3), np.nan), np.full(count, np.nan)
    age_builds = np.full(count, np.nan)
    baselines_s = {name: np.full(count, np.nan) for name in BASELINES}
    for block in blocks:
        asked = block.asked & ~examples.failed
        known = examples.where(block.known)
        try:
            learned = learn(known)
        except (NotEnoughHistory, UnlearnableHistory):
            continue
        model = BuildOptimizer.load(learned.bundle, examples.names)
        said = predict_in_order(model, examples, asked)
        quantiles_s[asked], mean_s[asked] = said.quantiles_s, said.mean_s
        age_builds[asked] = _ages(examples, block.asked)[asked]
        usual_s = float(np.median(known.duration_s[~known.failed]))
        for name, column in BASELINES.items():
            baselines_s[name][asked] = _rule(examples.where(asked), column, usual_s)

    def of(project: str, where: Mask) -> Durations:
        return Durations(
            project=project,
            queued_at=examples.queued_at[where],
            actual_s=examples.duration_s[where],
            quantiles_s=quantiles_s[where],
            mean_s=mean_s[where],
            baselines_s={name: said[where] for name, said in baselines_s.items()},
            age_builds=age_builds[where],
        )

    predicted = ~np.isnan(mean_s)
    masks = {p: np.asarray(predicted & (examples.project == p)) for p in examples.projects}
    return [of(project, where) for project, where in masks.items() if where.any()]


def _ages(examples: Examples, asked: Mask) -> Floats:
    """How many builds of its project were asked for before each row (n,)."""
    ages = np.full(len(examples), np.nan)
    for project in examples.projects:
        own = np.flatnonzero(asked & (examples.project == project))
        ages[own] = np.arange(len(own))
    return ages


def _rule(rows: Examples, column: str, usual_s: float) -> Floats:
    value = np.full(len(rows), np.nan)
    for name in (f"pipeline_{column}", f"project_{column}"):
        if name in rows.names:
            value = np.where(np.isnan(value), rows.column(name), value)
    return np.where(np.isnan(value), usual_s, value)
