"""Measuring a server that runs: one point after the other, warm, and quiet before each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from uuid import uuid4

from benchmarks.serving import wrk
from benchmarks.serving.accounting import snapshot, spent
from benchmarks.serving.figures import Measured
from benchmarks.serving.plan import WARM_UP, Plan, Point
from benchmarks.serving.server import Server

QUIET_SHARE = 0.35
"""Of a core; a server that takes less has answered what was left of the point before."""
QUIET_S = 0.4
SETTLE_S = 8.0


def measured(
    server: Server, points: list[Point], plan: Plan, program: str, ends: Callable[[Point], None]
) -> Iterator[Measured]:
    """Measure *points* of a running server.

    Args:
        server: Answers.
        points: Of it.
        plan: How long.
        program: The load generator.
        ends: Told of each point that is done.

    Raises:
        LoadFailed: If the load generator cannot reach the server.
    """
    for point in points:
        seconds = plan.seconds_of(point.endpoint)
        _load(server, point, program, seconds * WARM_UP)
        settle(server)
        yield _measured(server, point, program, seconds)
        ends(point)


def settle(server: Server, patience_s: float = SETTLE_S) -> None:
    """Wait until the server has worked off what it was sent, or *patience_s* have passed."""
    deadline = time.monotonic() + patience_s
    before = snapshot(server.pids())
    while time.monotonic() < deadline:
        time.sleep(QUIET_S)
        after = snapshot(server.pids())
        if sum(spent(before, after).values()) < QUIET_SHARE * QUIET_S:
            return
        before = after


def _measured(server: Server, point: Point, program: str, seconds: float) -> Measured:
    before = snapshot(server.pids())
    answered = _load(server, point, program, seconds)
    taken = spent(before, snapshot(server.pids()))
    each = 1e6 / max(1, answered.requests)
    return Measured(
        point=point,
        requests=answered.requests,
        rate=answered.rate,
        p50_ms=answered.p50_ms,
        p99_ms=answered.p99_ms,
        errors=answered.errors,
        cpu_us={part: cpu_s * each for part, cpu_s in taken.items()},
    )


def _load(server: Server, point: Point, program: str, seconds: float) -> wrk.Answered:
    load = server.requests[point.endpoint].load
    return wrk.run(
        program,
        server.url,
        load,
        concurrency=point.concurrency,
        seconds=seconds,
        mark=uuid4().hex[:8] + "-",
    )
