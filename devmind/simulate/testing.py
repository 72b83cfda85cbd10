"""Running the tests of a simulated build."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from random import Random

from devmind.ci import TestReport, TestRun, Verdict
from devmind.simulate.chance import happens
from devmind.simulate.truth import SimulatedTest

WORKERS = {"unit-1": 2, "unit-2": 2, "e2e": 1}
"""How many tests of a report run side by side."""

_SLOWDOWN = 0.12


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """What came of the tests of one report."""

    report: TestReport
    broken: frozenset[str]
    flaked: frozenset[str]
    failed: bool

    @property
    def duration_s(self) -> float:
        """Seconds that running them took."""
        total = sum(run.duration_s for run in self.report.runs)
        return 8 + total / WORKERS[self.report.name]


def run_tests(  # noqa: PLR0913 - all but two are named by the caller
    rng: Random,
    tests: Iterable[SimulatedTest],
    *,
    report: str,
    broken: Collection[str],
    age: float,
    retries: bool,
) -> Tested:
    """Run the tests of a report.

    Args:
        rng: Decides about flaky tests and how long tests take.
        tests: The tests there are; those of other reports are left out.
        report: Its name.
        broken: Names of the tests that fail for a reason.
        age: Share of the history that has passed; tests slow down with it.
        retries: Whether a failed test gets a second attempt.
    """
    runs: list[TestRun] = []
    seen: set[str] = set()
    flaked: set[str] = set()
    failed = False
    for test in tests:
        if test.report != report:
            continue
        flakes = test.flaky_probability > 0 and happens(rng, test.flaky_probability)
        verdict = _verdict(test, broken=test.name in broken, flakes=flakes)
        runs.append(_run(rng, test, verdict, age, attempt=1))
        if not verdict.failing:
            continue
        (seen if test.name in broken else flaked).add(test.name)
        if retries:
            again = Verdict.FAILED if test.name in broken else Verdict.PASSED
            runs.append(_run(rng, test, again, age, attempt=2))
        failed = failed or runs[-1].verdict.failing
    return Tested(
        report=TestReport(name=report, runs=tuple(runs)),
        broken=frozenset(seen),
        flaked=frozenset(flaked),
        failed=failed,
    )


def _verdict(test: SimulatedTest, *, broken: bool, flakes: bool) -> Verdict:
    if test.always_skipped:
        return Verdict.SKIPPED
    return Verdict.FAILED if broken or flakes else Verdict.PASSED


def _run(rng: Random, test: SimulatedTest, verdict: Verdict, age: float, attempt: int) -> TestRun:
    usual = test.duration_s * (1 + _SLOWDOWN * age) * math.exp(rng.gauss(0, 0.1))
    seconds = 0.0 if verdict is Verdict.SKIPPED else max(0.001, round(usual, 3))
    message = f"AssertionError: {test.case} does not hold" if verdict.failing else ""
    return TestRun(
        name=test.name,
        verdict=verdict,
        duration_s=seconds,
        attempt=attempt,
        file=test.file,
        message=message,
    )
