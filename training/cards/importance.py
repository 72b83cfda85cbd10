"""What a model leans on: by how much it errs more when a feature's values are shuffled.

Values change places within a project only, so that a feature which merely tells projects apart
does not seem to say anything about builds. Features that carry the same news stand in for each
other; groups shuffled together show what they carry in all.

References:
    Breiman, "Random Forests", 2001, section 10; Fisher, Rudin, Dominici, "All Models are Wrong,
    but Many are Useful", 2019.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.card import Weight
from models.reasons import columns_of
from training.cards.held_out import HeldOut

MOST_ROWS = 2_000
"""More held-out rows than this are not shuffled; the newest are."""
GROUPS_LOOKED_INTO = 6
_REPEATS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What a model leans on, the weightiest first, and its loss when nothing is shuffled."""

    base_loss: float
    groups: tuple[Weight, ...]
    features: tuple[Weight, ...]


def weigh(found: HeldOut, groups: Mapping[str, Sequence[str]], *, seed: int) -> Weights:
    """Weigh groups of features, and the single features of the weightiest groups.

    Args:
        found: Held-out rows.
        groups: Group -> its features.
        seed: Of the shuffling.
    """
    rng = np.random.default_rng(seed)
    newest = np.sort(np.argsort(found.rows.queued_at, kind="stable")[-MOST_ROWS:])
    rows = found.rows.where(newest)
    base = float(found.loss(rows).mean())

    def lost(columns: NDArray[np.intp]) -> float:
        grown = []
        for _ in range(_REPEATS):
            shuffled, order = rows.rows.copy(), within_projects(rows.project, rng)
            shuffled[:, columns] = rows.rows[np.ix_(order, columns)]
            grown.append(found.loss(replace(rows, rows=shuffled)).mean() - base)
        return float(np.mean(grown))

    columns = columns_of(found.rows.names, groups)
    by_group = _weighed({name: lost(where) for name, where in columns.items()})
    chosen = [i for one in by_group[:GROUPS_LOOKED_INTO] for i in columns[one.name]]
    names = found.rows.names
    by_feature = _weighed({names[i]: lost(np.array([i], dtype=np.intp)) for i in chosen})
    return Weights(base_loss=base, groups=by_group, features=by_feature)


def within_projects(project: NDArray[np.object_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return for each row (n,) another one of its project, each taken once."""
    names = project.astype(str)
    order = np.arange(len(names))
    for name in np.unique(names):
        own = np.flatnonzero(names == name)
        order[own] = rng.permutation(own)
    return order


def _weighed(lost: Mapping[str, float]) -> tuple[Weight, ...]:
    order = sorted(lost, key=lambda name: (-lost[name], name))
    return tuple(Weight(name=name, loss=round(max(lost[name], 0.0), 6)) for name in order)
