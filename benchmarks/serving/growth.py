"""Whether the memory of processes grows, seen through noise."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

_MB = 1e6
WARM_SHARE = 0.3
"""Share of the time at the beginning that is left out: caches fill, libraries load."""
LEAST_MB, LEAST_SHARE = 8.0, 0.05
"""What a process may grow by, the larger of both, before it counts as growth."""
ENOUGH = 5
"""Samples below which nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Memory at one moment.

    Attributes:
        at_s: Seconds since the beginning.
        uss: (part, process) -> bytes it has for itself.
    """

    at_s: float
    uss: Mapping[tuple[str, int], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What the memory of one process did.

    Attributes:
        part: What it plays.
        pid: The process.
        first_mb: At its first sample that counts.
        last_mb: At its last.
        slope_mb_h: Median slope of all pairs of samples (Theil and Sen), MB an hour.
        seconds: Between the first and the last sample that count.
    """

    part: str
    pid: int
    first_mb: float
    last_mb: float
    slope_mb_h: float
    seconds: float

    @property
    def grown_mb(self) -> float:
        """What the slope comes to over the time that was watched."""
        return self.slope_mb_h * self.seconds / 3600

    @property
    def flat(self) -> bool:
        """Whether that is no more than noise."""
        return self.grown_mb <= max(LEAST_MB, LEAST_SHARE * self.first_mb)


def growths(samples: Sequence[Sample]) -> list[Growth]:
    """Return what each process's memory did after the warm-up; short lives say nothing."""
    if not samples:
        return []
    from_s = WARM_SHARE * samples[-1].at_s
    series: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for sample in samples:
        if sample.at_s >= from_s:
            for key, size in sample.uss.items():
                series.setdefault(key, []).append((sample.at_s, size / _MB))
    return [
        _growth(part, pid, points)
        for (part, pid), points in sorted(series.items())
        if len(points) >= ENOUGH
    ]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the median slope of all pairs of *points*.

    Example:
        >>> slope([(0.0, 1.0), (1.0, 3.0), (2.0, 5.0), (3.0, 100.0)])
        2.0
    """
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2) if x2 > x1]
    return statistics.median_low(slopes) if slopes else 0.0


def _growth(part: str, pid: int, points: Sequence[tuple[float, float]]) -> Growth:
    return Growth(
        part=part,
        pid=pid,
        first_mb=points[0][1],
        last_mb=points[-1][1],
        slope_mb_h=3600 * slope(points),
        seconds=points[-1][0] - points[0][0],
    )


def table(found: Sequence[Growth]) -> str:
    """Lay them out as Markdown."""
    head = "| part | process | MB after warm-up | MB at the end | MB/h | flat |\n"
    rows = "\n".join(
        f"| {one.part} | {one.pid} | {one.first_mb:,.1f} | {one.last_mb:,.1f} "
        f"| {one.slope_mb_h:+,.1f} | {'yes' if one.flat else 'no'} |"
        for one in found
    )
    return f"{head}|---|--:|--:|--:|--:|---|\n{rows}"
