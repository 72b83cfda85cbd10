"""What is measured: servers, endpoints, how many clients at once, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Endpoint(StrEnum):
    """A question or a record; with reasons (`why`), or one of few that come again and again."""

    DURATION = "duration"
    FAILURE = "failure"
    DURATION_WHY = "duration-why"
    FAILURE_WHY = "failure-why"
    DURATION_AGAIN = "duration-again"
    ASSESS = "assess"
    SELECT_500 = "select-500"
    SELECT_5000 = "select-5000"
    RECORD = "record"


SELECTIONS = {Endpoint.SELECT_500: 500, Endpoint.SELECT_5000: 5_000}
"""Endpoint -> the tests that the project has."""
RESULTS = 1_000
"""Test results in a recorded report."""
CONCURRENCIES = (1, 8, 32, 64)
QUICK_CONCURRENCIES = (1, 32)
HEAVY = (Endpoint.SELECT_5000, Endpoint.RECORD)
"""Endpoints so slow that a point takes twice the seconds."""
BUDGET_S = 34 * 60.0
WARM_UP = 0.3
"""Share of a point's seconds that is run before, and not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What one run of the load generator measures."""

    server: str
    endpoint: Endpoint
    concurrency: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a benchmark does.

    Attributes:
        servers: Their names, in the order in which they are measured.
        endpoints: Which of theirs.
        concurrencies: Clients at once, each waiting for its answer before it asks again.
        seconds: Of a point.
        repetitions: How often all servers are started and measured, by turns.
        budget_s: No repetition of a server begins later than that after the start.
    """

    servers: tuple[str, ...]
    endpoints: tuple[Endpoint, ...] = tuple(Endpoint)
    concurrencies: tuple[int, ...] = CONCURRENCIES
    seconds: float = 3.0
    repetitions: int = 3
    budget_s: float = BUDGET_S

    def seconds_of(self, endpoint: Endpoint) -> float:
        """Return how long a point of *endpoint* is measured."""
        return self.seconds * (2 if endpoint in HEAVY else 1)

    def points(self, server: str, offered: tuple[Endpoint, ...]) -> list[Point]:
        """Return the points of a server that offers some of the endpoints."""
        return [
            Point(server=server, endpoint=endpoint, concurrency=concurrency)
            for endpoint in self.endpoints
            if endpoint in offered
            for concurrency in self.concurrencies
        ]
