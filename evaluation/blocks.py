"""Which builds are predicted by what was known when: the order of time, as masks over examples."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import numpy as np

from devmind.errors import NotEnoughHistory
from training.examples import Examples, Mask
from training.split import older_than

_ROUNDING = 1e-9
Cadence = Callable[[int], int]
"""Builds known -> builds predicted before the next refit."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """A refit: what it may learn from, and what it predicts.

    Attributes:
        known: Rows (n,) whose outcome was known when the first of `asked` was queued.
        asked: Rows (n,) to predict, of builds newer than those.
    """

    known: Mask
    asked: Mask


def newest_share(examples: Examples, share: float) -> Block:
    """Return one block that asks for the newest *share* of each project's builds.

    Each project goes by its own clock: a row is known if its outcome was recorded before the
    project's first asked build was queued.

    Args:
        examples: Rows of a project in order of `sequence`.
        share: Of each project's builds, between 0 and 1; rounded down.

    Raises:
        NotEnoughHistory: If no project has builds for both.
    """
    asked = np.zeros(len(examples), dtype=np.bool_)
    for project in examples.projects:
        own = np.asarray(examples.project == project)
        builds = np.unique(examples.sequence[own])
        first = len(builds) - int(len(builds) * share + _ROUNDING)
        if 0 < first < len(builds):
            asked |= own & (examples.sequence >= builds[first])
    if not asked.any():
        raise NotEnoughHistory("builds to learn from and to ask for", len(examples), 2)
    return Block(known=older_than(examples, asked), asked=asked)


def by_calendar(
    examples: Examples, *, projects: Collection[str], last: int, parts: int
) -> Iterator[Block]:
    """Yield blocks that ask for the newest builds of *projects*, as days would have gone by.

    No project learns from another one's future (`recorded_by`).

    Args:
        examples: Rows of all projects.
        projects: Whose builds are asked for.
        last: How many builds, of all these together.
        parts: Refits, each before an equal share of them.

    Raises:
        NotEnoughHistory: If there are not more builds than are asked for.
    """
    wanted = np.isin(examples.project.astype(str), sorted(projects))
    queued_at = np.unique(examples.queued_at[wanted])
    if len(queued_at) <= last:
        raise NotEnoughHistory("builds", len(queued_at), last + 1)
    starts = [part[0] for part in np.array_split(queued_at[-last:], parts) if len(part)]
    for start, end in zip(starts, [*starts[1:], np.inf], strict=True):
        asked = wanted & (examples.queued_at >= start) & (examples.queued_at < end)
        yield Block(known=recorded_by(examples, start), asked=asked)


def recorded_by(examples: Examples, at: float) -> Mask:
    """Return which rows (n,) of any project had surely been recorded at *at*, epoch seconds.

    Outcomes carry no time of their own, only a place in their project's history: what stands before
    the first build queued at or after *at* had been recorded by then. Of a project without such a
    build, what stands before its newest one.
    """
    known = np.zeros(len(examples), dtype=np.bool_)
    for project in examples.projects:
        own = np.asarray(examples.project == project)
        later = examples.sequence[own & (examples.queued_at >= at)]
        first = later.min() if later.size else examples.sequence[own].max()
        known[own] = examples.known_at[own] < first
    return known


def refits(examples: Examples, *, first: int, cadence: Cadence) -> Iterator[Block]:
    """Yield blocks that walk forward through one project.

    Args:
        examples: Rows of one project in order of `sequence`.
        first: Builds that are only learned from.
        cadence: How many builds are predicted before the next refit, given how many are known.
    """
    builds = np.unique(examples.sequence)
    start = first
    while start < len(builds):
        end = min(len(builds), start + max(1, cadence(start)))
        asked = (examples.sequence >= builds[start]) & (examples.sequence <= builds[end - 1])
        yield Block(known=examples.known_at < builds[start], asked=asked)
        start = end
