"""Figures of repetitions: medians, and how far apart they lie."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.serving.plan import Endpoint, Point

FEW = 3
"""So many answers a client, and the figures of a point say little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run of a point.

    Attributes:
        point: What was measured.
        requests: Answers.
        rate: Answers a second that are no errors.
        p50_ms: Half of the answers took longer.
        p99_ms: One in a hundred took longer.
        errors: Answers that are errors, or never came.
        cpu_us: CPU time of each part, in microseconds an answer.
    """

    point: Point
    requests: int
    rate: float
    p50_ms: float
    p99_ms: float
    errors: int
    cpu_us: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Median:
    """The middle of some values, and the outermost ones."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Median:
        """Return the median of *values*, of which there is at least one.

        Example:
            >>> Median.of([3.0, 1.0, 2.0])
            Median(middle=2.0, low=1.0, high=3.0)
        """
        return cls(middle=statistics.median(values), low=min(values), high=max(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a point's repetitions say together.

    Attributes:
        point: What was measured.
        repetitions: How often.
        requests: Fewest answers of a repetition.
        rate: Answers a second that are no errors.
        p50_ms: Milliseconds.
        p99_ms: Milliseconds.
        errors: In all repetitions.
        cpu_us: CPU time of all processes, in microseconds an answer.
        parts: Medians of the parts of it.
    """

    point: Point
    repetitions: int
    requests: int
    rate: Median
    p50_ms: Median
    p99_ms: Median
    errors: int
    cpu_us: Median
    parts: Mapping[str, float]

    @property
    def few(self) -> bool:
        """Whether so few answers came that the figures say little."""
        return self.requests < FEW * self.point.concurrency


def summed_up(runs: Iterable[Measured]) -> dict[Point, Figures]:
    """Return the figures of each point, in the order in which the points came first."""
    grouped: dict[Point, list[Measured]] = {}
    for run in runs:
        grouped.setdefault(run.point, []).append(run)
    return {point: _figures(point, some) for point, some in grouped.items()}


def _figures(point: Point, runs: Sequence[Measured]) -> Figures:
    names = sorted({part for run in runs for part in run.cpu_us})
    return Figures(
        point=point,
        repetitions=len(runs),
        requests=min(run.requests for run in runs),
        rate=Median.of([run.rate for run in runs]),
        p50_ms=Median.of([run.p50_ms for run in runs]),
        p99_ms=Median.of([run.p99_ms for run in runs]),
        errors=sum(run.errors for run in runs),
        cpu_us=Median.of([sum(run.cpu_us.values()) for run in runs]),
        parts={n: statistics.median(run.cpu_us.get(n, 0.0) for run in runs) for n in names},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a server takes besides its answers, in one repetition.

    Attributes:
        server: Its name.
        start_s: From its start to its first healthy answer.
        uss: Part -> bytes that its processes have for themselves, after the load.
        torch: Parts that have torch in memory.
    """

    server: str
    start_s: float
    uss: Mapping[str, int]
    torch: tuple[str, ...]


def usual(values: Sequence[float]) -> float | None:
    """Return the median of *values*, `None` of none."""
    return statistics.median(values) if values else None


def at(
    figures: Mapping[Point, Figures], server: str, endpoint: Endpoint, concurrency: int
) -> Figures | None:
    """Return the figures of a point, `None` if it was not measured or nothing came back."""
    found = figures.get(Point(server=server, endpoint=endpoint, concurrency=concurrency))
    return found if found is not None and found.requests > 0 else None
