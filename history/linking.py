"""Which build a question was about that named none: CI often asks before it records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

EVENTS_BEFORE = 500
"""A question older than so many events of the project is not about a build queued now."""
Waiting = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Told:
    """A build whose end has been recorded.

    Attributes:
        build_id: The build.
        pipeline: Its pipeline.
        branch: Its branch.
        commit: Its commit.
        queued: Number of its queued event.
        known_at: Number of its finished event.
        failed: Whether it failed; else it passed.
        duration_s: How long it took.
        failing: int32 (n,), its tests that failed in any attempt, by number.
    """

    build_id: str
    pipeline: str
    branch: str
    commit: str
    queued: int
    known_at: int
    failed: bool
    duration_s: float
    failing: NDArray[np.int32]


def fits(told: Told, row: Mapping[str, Any]) -> bool:
    """Whether a prediction that names no build was made for *told*.

    It was made between a little before the build was queued and its end, and agrees in commit,
    branch and pipeline as far as it names them; it names a commit or a branch.
    """
    if not told.queued - EVENTS_BEFORE <= row["as_of"] < told.known_at:
        return False
    said = {name: row[name] for name in ("pipeline", "branch", "commit") if row[name]}
    if not ("commit" in said or "branch" in said):
        return False
    if "commit" not in said and row["as_of"] >= told.queued:
        return False  # a branch alone: it may be about the next build of it
    return all(value == getattr(told, name) for name, value in said.items())


def fitting(told: Told, rows: Sequence[Waiting]) -> list[Waiting]:
    """Return the first of *rows* of each version that fits *told*; *rows* are in order of time."""
    found: dict[str, Waiting] = {}
    for row in rows:
        if row["version"] not in found and fits(told, row):
            found[row["version"]] = row
    return list(found.values())
