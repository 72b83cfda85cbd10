"""What every reader gives: builds in order of time, and what it had to leave out."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devmind.ci import FinishedBuild


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A record that cannot be a finished build, and why: a run still going, a missing time."""

    record: str
    reason: str


Read = Callable[[list[Skipped]], Iterator[FinishedBuild]]
"""Yields builds sorted by `queued_at` and appends to the list what it leaves out."""


@dataclass(kw_only=True)
class Source:
    """Something with a CI history in it.

    Attributes:
        kind: Which reader reads it.
        path: Where it is.
        read: The reader, bound to its file or folder.
        estimate: About how many builds it holds, for a progress display; `None` if unknown.
        skipped: What the latest reading left out, filled while `builds` runs.
    """

    kind: str
    path: Path
    read: Read
    estimate: int | None = None
    skipped: list[Skipped] = field(default_factory=list)

    def builds(self) -> Iterator[FinishedBuild]:
        """Yield every finished build, sorted by `queued_at`.

        Raises:
            UnreadableSource: If a file is broken; it names the file, the record and the value.
        """
        self.skipped.clear()
        return self.read(self.skipped)


def merge(kind: str, path: Path, parts: Sequence[Source]) -> Source:
    """Read several sources of one kind as one, in order of time."""

    def read(skipped: list[Skipped]) -> Iterator[FinishedBuild]:
        streams = [part.read(skipped) for part in parts]
        return heapq.merge(*streams, key=lambda finished: finished.build.queued_at)

    known = [part.estimate for part in parts if part.estimate is not None]
    estimate = sum(known) if len(known) == len(parts) else None
    return Source(kind=kind, path=path, read=read, estimate=estimate)


def in_order(builds: list[FinishedBuild]) -> Iterator[FinishedBuild]:
    """Yield *builds* sorted by time; builds of the same second by their identifier."""

    def key(finished: FinishedBuild) -> tuple[object, ...]:
        build = finished.build
        return (build.queued_at, len(build.external_id), build.external_id, build.attempt)

    builds.sort(key=key)
    return iter(builds)
