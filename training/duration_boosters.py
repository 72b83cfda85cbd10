"""The boosters of the build optimizer: one for all projects, and one each for the larger ones.

Measured on six projects: a booster of its own is better for a project with some hundred builds
than one for all, however large; a younger project is better off with what others have taught.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.build_optimizer import to_log_seconds
from models.duration_inputs import DurationInputs
from training.boosted import Boosted
from training.config import BoostingConfig
from training.examples import Examples
from training.recipe import Setting
from training.shards import project_weights, write_shards

FitQuantiles = Callable[[Sequence[Path], Sequence[Path], BoostingConfig], Boosted]
LEVELS = ("pipeline_median7_s", "project_median7_s")
"""The usual duration: robust against single outliers, and at most seven builds late."""
_OF_FAILURES = ("fail", "outcomes")
_LEAST = 30
"""Builds below which no booster of its own is tried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosters:
    """What was fitted.

    Attributes:
        inputs: What the boosters see of a row.
        all: The booster of all projects.
        own: Project -> its own.
    """

    inputs: DurationInputs
    all: Boosted
    own: Mapping[str, Boosted] = field(default_factory=dict)


def inputs_of(rows: Examples) -> DurationInputs:
    """Choose what boosters see: all but what is said of failures, durations relative."""
    levels = tuple(name for name in LEVELS if name in rows.names)
    seen = tuple(n for n in rows.names if not any(word in n for word in _OF_FAILURES))
    return DurationInputs(
        features=rows.names,
        seen=seen,
        durations=tuple(n for n in seen if n.endswith("_s") and "gap" not in n) if levels else (),
        levels=levels,
        usual_s=float(np.median(rows.duration_s)) if levels else 0.0,
    )


def large_projects(passed: Examples, config: BoostingConfig) -> tuple[str, ...]:
    """Return the projects that get a booster of their own, sorted."""
    names, counts = np.unique(passed.project.astype(str), return_counts=True)
    largest = np.argsort(-counts, kind="stable")[: config.own_most]
    return tuple(sorted(str(names[i]) for i in largest if counts[i] >= config.own_from))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """How boosters are fitted: that of all projects, and a project's own."""

    all: FitQuantiles
    own: FitQuantiles


def fit_boosters(  # noqa: PLR0913 - rows, for whom, and how
    rows: Examples,
    own: Sequence[str],
    config: BoostingConfig,
    setting: Setting,
    fits: Fits,
    *,
    newer: Examples | None = None,
) -> Boosters:
    """Fit the booster of all projects, and those of the projects *own*.

    Args:
        rows: Builds that passed, to learn from.
        own: Projects that get one, unless they have next to no rows here.
        config: The knobs.
        setting: Where shards go.
        fits: How.
        newer: Rows that the fit of all projects is given as its newer ones, if any.
    """
    inputs = inputs_of(rows)
    weight = project_weights(rows.project, config.project_weight_exponent)

    def shards(
        name: str, some: Examples, weight: NDArray[np.float64] | None = None
    ) -> tuple[Path, ...]:
        return write_shards(
            setting.folder / name,
            replace(some, names=inputs.seen, rows=inputs.encode(some.rows)),
            label=to_log_seconds(some.duration_s) - inputs.level(some.rows),
            weight=np.ones(len(some)) if weight is None else weight,
            count=setting.shards,
        )

    watched = () if newer is None else shards("newer", newer)
    shared = fits.all(shards("all", rows, weight), watched, config)
    mine = {project: rows.where(np.asarray(rows.project == project)) for project in own}
    return Boosters(
        inputs=inputs,
        all=shared,
        own={
            project: fits.own(shards("own", few), (), config)
            for project, few in mine.items()
            if len(few) >= _LEAST
        },
    )
