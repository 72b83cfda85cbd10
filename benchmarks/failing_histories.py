"""Simulated projects of failing tests: changes break what they touch, in streaks, and things drift.

A project is a sequence of stored events, as a history gives them back, so that everything after it
is the product. What makes the bound hard to keep is in: some failures have nothing to do with the
change, failing builds come in streaks until the fault is mended, some tests are flaky, tests are
added, and half-way changes begin to break other tests, and surprises become more or fewer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from devmind.ci import Change, ChangedFile, QueuedBuild
from history.events import FAILED, PASSED, BuildQueued, NamedTest, StoredEvent, TestsReported

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
_START = datetime(2026, 1, 5, tzinfo=UTC)
_MODULES = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Temper:
    """How a project behaves, drawn once.

    Attributes:
        tests: How many there are in the end; a tenth is added over time.
        builds: How many are queued.
        breaking: Probability that a build brings a fault.
        lasting: Probability that a fault outlives a build.
        surprising: Share of faults that have nothing to do with the change, in the first half
            and in the second.
        flaky: Probability of each test to fail for no reason (tests,).
        retries: Whether a flaky failure gets a second attempt, which passes.
        usual_s: Seconds of each test (tests,).
        born: The build before which each test is added (tests,).
    """

    tests: int
    builds: int
    breaking: float
    lasting: float
    surprising: tuple[float, float]
    flaky: Floats
    retries: bool
    usual_s: Floats
    born: NDArray[np.int64]


def temper(rng: np.random.Generator, builds: int) -> Temper:
    """Draw a project's temper; `builds` is its length, give or take a third."""
    tests = int(rng.integers(20, 60))
    flaky = np.where(rng.random(tests) < rng.uniform(0, 0.08), rng.uniform(0.005, 0.04, tests), 0)
    late = rng.integers(10, size=tests) == 0
    length = int(builds * rng.uniform(0.67, 1.33))
    return Temper(
        tests=tests,
        builds=length,
        breaking=rng.uniform(0.1, 0.35),
        lasting=rng.uniform(0.0, 0.7),
        surprising=(rng.uniform(0.0, 0.1), rng.uniform(0.0, 0.25)),
        flaky=flaky,
        retries=bool(rng.integers(2)),
        usual_s=rng.lognormal(0.5, 1.2, tests),
        born=np.where(late, rng.integers(1, length, tests), 0),
    )


def history(project: str, rng: np.random.Generator, *, builds: int) -> list[StoredEvent]:
    """Return the events of a simulated project: a queued build, its report, the next one.

    Args:
        project: Its name.
        rng: Decides everything.
        builds: About so many.
    """
    world = temper(rng, builds)
    order = np.argsort(world.born, kind="stable")  # tests are numbered as they appear
    return list(_events(project, rng, world, order))


def _events(
    project: str, rng: np.random.Generator, world: Temper, order: NDArray[np.intp]
) -> Iterator[StoredEvent]:
    breaks, born = _links(rng, world), world.born[order]
    fault, known = np.zeros(world.tests, np.bool_), 0
    for number in range(world.builds):
        if number == world.builds // 2:
            other = rng.integers(2, size=breaks.shape) == 0
            breaks = np.where(other, _links(rng, world), breaks)
        touched = rng.choice(_MODULES, int(rng.integers(1, 3)), replace=False)
        mended = rng.random() >= world.lasting
        fault = fault & (not mended)
        if rng.random() < world.breaking:
            surprising = world.surprising[number >= world.builds // 2]
            fault = fault | _fault(rng, breaks[touched], surprising)
        there = int((born <= number).sum())
        build = _build(project, number, touched, rng)
        queued = BuildQueued(sequence=2 * number + 1, build_id=build.build_id, build=build)
        yield queued
        yield _report(rng, world, queued, fault[:there], known)
        known = there


def _links(rng: np.random.Generator, world: Temper) -> Floats:
    """How probable it is that a fault in a module breaks a test: (modules, tests)."""
    linked = rng.random((_MODULES, world.tests)) < 1.6 / _MODULES
    return np.where(linked, rng.beta(1.0, 1.5, linked.shape), 0.0)


def _fault(rng: np.random.Generator, breaks: Floats, surprising: float) -> Bools:
    tests = breaks.shape[1]
    if rng.random() < surprising:
        return np.asarray(np.arange(tests) == rng.integers(tests), dtype=np.bool_)
    return np.asarray(rng.random(tests) < breaks.max(axis=0), dtype=np.bool_)


def _build(
    project: str, number: int, touched: NDArray[np.int64], rng: np.random.Generator
) -> QueuedBuild:
    files = tuple(
        ChangedFile(path=f"src/part{module}/f{rng.integers(4)}.py", lines_added=5)
        for module in touched.tolist()
    )
    return QueuedBuild(
        project=project,
        pipeline="ci.yml",
        external_id=str(number),
        queued_at=_START + timedelta(minutes=20 * number),
        trigger="push",
        change=Change(
            commit=f"c{number}", author=f"a{rng.integers(5)}", branch="main", files=files
        ),
    )


def _report(
    rng: np.random.Generator, world: Temper, queued: BuildQueued, fault: Bools, known: int
) -> TestsReported:
    there = len(fault)
    flaked = ~fault & (rng.random(there) < world.flaky[:there])
    tests = np.arange(there, dtype=np.int32)
    again = tests[flaked] if world.retries else tests[:0]
    first = np.where(fault | flaked, FAILED, PASSED)
    numbers = np.concatenate([tests, again])
    usual = world.usual_s[numbers] * rng.lognormal(0, 0.15, len(numbers))
    return TestsReported(
        sequence=queued.sequence + 1,
        build_id=queued.build_id,
        report="unit",
        tests=numbers,
        verdicts=np.concatenate([first, np.full(len(again), PASSED)]).astype(np.int8),
        durations_s=usual.astype(np.float32),
        attempts=np.concatenate([np.ones(there), np.full(len(again), 2)]).astype(np.int16),
        new_tests=tuple(
            NamedTest(number=n, name=f"part{n % _MODULES}::test_{n}", file=f"tests/t{n % 7}.py")
            for n in range(known, there)
        ),
    )
