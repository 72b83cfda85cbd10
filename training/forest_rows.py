"""Which rows a forest learns from, and what each weighs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.verdicts.runs import FLAKY_WEIGHT
from training.config import ForestConfig
from training.examples import Examples
from training.fit_forest import apfd_weights

STRANGERS = ""
"""Rows of this project lend a hand to others: nothing is learned or measured for it alone."""

Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ForestRows:
    """Rows to grow a forest from.

    Attributes:
        index: Places in the examples (m,), ascending.
        weight: Of each (m,), more than 0, with a mean of 1.
    """

    index: NDArray[np.int64]
    weight: Weights


def taught(known: Examples) -> Weights:
    """Return what each row (n,) has to teach: its share of APFD.

    A failing row of a test that is often flaky counts for less, down to `FLAKY_WEIGHT` if it
    always is: a failure that the same commit contradicts says little about the next build.
    """
    weight = apfd_weights(known.builds(), known.failed)
    flaky = np.nan_to_num(known.column("flaky_rate").astype(np.float64), nan=0.0)
    return np.where(known.failed, weight * (1 - (1 - FLAKY_WEIGHT) * flaky), weight)


def telling_builds(known: Examples, weight: Weights) -> dict[str, int]:
    """Return how many builds with both verdicts each project has, strangers left out."""
    found = {}
    for project in known.projects:
        own = np.asarray(known.project == project) & (weight > 0)
        found[project] = len(np.unique(known.sequence[own]))
    found.pop(STRANGERS, None)
    return found


def rows_for(
    known: Examples,
    weight: Weights,
    project: str,
    config: ForestConfig,
    kin: Collection[str] = (),
) -> ForestRows:
    """Return the newest rows of *project*, and some of all others, which weigh little together.

    Args:
        known: Rows of any projects.
        weight: What each has to teach (n,).
        project: Whose forest it is.
        config: `max_rows`, `lent_builds`, `lent_rows`.
        kin: Projects that share commits with it and lend nothing.
    """
    mine = np.asarray(known.project == project)
    own = np.flatnonzero(mine & (weight > 0))[-config.max_rows :]
    strange = ~mine & ~np.isin(known.project.astype(str), sorted(kin))
    lent = np.flatnonzero(strange & (weight > 0))
    lent = lent[_spread(len(lent), config.lent_rows)] if config.lent_builds > 0 else lent[:0]
    scale = 1.0
    if own.size and lent.size:
        of_one_build = weight[own].sum() / len(np.unique(known.sequence[own]))
        scale = config.lent_builds * of_one_build / weight[lent].sum()
    return _joined([(own, weight[own]), (lent, weight[lent] * scale)])


def rows_for_all(
    known: Examples, weight: Weights, projects: Collection[str], config: ForestConfig
) -> ForestRows:
    """Return the newest rows of *projects*, each project weighing a power of its builds."""
    parts = []
    for project in sorted(projects):
        own = np.flatnonzero((known.project == project) & (weight > 0))
        own = own[-max(1, config.max_rows // len(projects)) :]
        builds = max(1, len(np.unique(known.sequence[own])))
        parts.append((own, weight[own] * builds**config.project_weight_exponent))
    return _joined(parts)


def _spread(count: int, most: int) -> NDArray[np.int64]:
    return np.linspace(0, count - 1, min(count, most)).astype(np.int64)


def _joined(parts: list[tuple[NDArray[np.int64], Weights]]) -> ForestRows:
    index = np.concatenate([np.empty(0, dtype=np.int64), *(where for where, _ in parts)])
    weight = np.concatenate([np.empty(0), *(part for _, part in parts)])
    order = np.argsort(index, kind="stable")
    mean = float(weight.mean()) if weight.size else 1.0
    return ForestRows(index=index[order], weight=weight[order] / mean)
