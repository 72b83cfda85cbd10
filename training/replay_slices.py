"""How a project's history is cut into slices, which are replayed one after the other.

A slice owns the builds that were queued in it: their examples are written with it, whenever their
outcome becomes known. Where the cuts are follows from the number of events alone, so a history
that was replayed night by night has the same slices, and the same files, as one that is replayed
in one go.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

LARGEST, SMALLEST = 4_096, 256
"""Events of a slice; the newest slices are smaller, so that a night's events are replayed fast."""
_STATES_KEPT, _EVERY = 2, 8


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Slice:
    """Events after *start*, up to and including *end*."""

    start: int
    end: int

    def __contains__(self, sequence: int) -> bool:
        return self.start < sequence <= self.end


def slices_of(last: int) -> list[Slice]:
    """Cut a history of *last* events: as many largest slices as fit, then halves of halves.

    A slice of a longer history starts where one of a shorter one does, as long as the shorter one
    reaches that far; so growing a history replays only its newest slices, and an event is replayed
    a handful of times until its slice has grown up.

    Example:
        >>> [(one.start, one.end) for one in slices_of(5_000)]
        [(0, 4096), (4096, 4608), (4608, 4864), (4864, 5000)]
        >>> [(one.start, one.end) for one in slices_of(5_200)]
        [(0, 4096), (4096, 5120), (5120, 5200)]
    """
    found: list[Slice] = []
    start, size = 0, LARGEST
    while start < last:
        while size > SMALLEST and start + size > last:
            size //= 2
        found.append(Slice(start=start, end=min(start + size, last)))
        start = found[-1].end
    return found


def keeps_state(one: Slice, last: int) -> bool:
    """Whether the state at the end of a slice stays on disk, when *last* events are replayed.

    Those of the newest slices do, as work goes on there, and of the older ones every eighth: a
    change far back folds at most seven slices to get to its own.
    """
    if one.end - one.start < LARGEST:
        return True
    number = one.end // LARGEST
    return number > last // LARGEST - _STATES_KEPT or number % _EVERY == 0


def holding(slices: Iterable[Slice], sequences: Iterable[int]) -> set[Slice]:
    """Return those of *slices* that hold one of *sequences*."""
    wanted = sorted(set(sequences))
    found: set[Slice] = set()
    for one in slices:
        place = bisect_right(wanted, one.start)
        if place < len(wanted) and wanted[place] in one:
            found.add(one)
    return found
