"""A made-up project with an eventful past, for measuring what an answer about it costs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from devmind.ci import (
    BuildOutcome,
    BuildStatus,
    Change,
    ChangedFile,
    Job,
    QueuedBuild,
    TestReport,
    TestRun,
    Verdict,
)
from devmind.events import Event, Finished, Queued, Reported

PIPELINE = "ci.yml"
START = datetime(2026, 1, 5, tzinfo=UTC)
_AREAS, _MODULES, _AUTHORS = 12, 300, 15
_JOBS = ("build", "unit", "lint")


def project(tests: int) -> str:
    """Name the project of so many tests."""
    return f"benchmark/tests-{tests}"


def test_names(tests: int) -> list[str]:
    """Name the tests, twenty a file."""
    return [f"tests/area_{n // 20 % _AREAS}/test_{n // 20}.py::test_case_{n}" for n in range(tests)]


def history(tests: int, builds: int, *, seed: int) -> Iterator[list[Event]]:
    """Yield the events of each build: queued, its tests, finished.

    Args:
        tests: How many tests every build runs.
        builds: How many builds.
        seed: Of everything random.
    """
    rng = np.random.default_rng(seed)
    names, tendency = test_names(tests), rng.beta(0.05, 12.0, tests)
    usual_s = rng.lognormal(-2, 1.5, tests)
    for number in range(builds):
        build = queued(tests, number, rng)
        fails = rng.random(tests) < tendency
        durations_s = (usual_s * rng.lognormal(0, 0.2, tests)).round(3).tolist()
        verdicts = [Verdict.FAILED if failing else Verdict.PASSED for failing in fails]
        runs = tuple(
            TestRun(name=name, verdict=verdict, duration_s=duration_s)
            for name, verdict, duration_s in zip(names, verdicts, durations_s, strict=True)
        )
        report = TestReport(runs=runs, name="unit")
        yield [
            Queued(build=build),
            Reported(build_id=build.build_id, report=report),
            Finished(
                build_id=build.build_id, outcome=_outcome(build, rng, failed=bool(fails.any()))
            ),
        ]


def queued(tests: int, number: int, rng: np.random.Generator) -> QueuedBuild:
    """Return a build of the project of so many *tests*."""
    pull_request = number % 3 > 0
    files = {f"src/area_{int(n) % _AREAS}/module_{int(n) % _MODULES}.py" for n in rng.zipf(1.3, 6)}
    return QueuedBuild(
        project=project(tests),
        pipeline=PIPELINE,
        external_id=str(number),
        queued_at=START + timedelta(minutes=40 * number),
        trigger="pull_request" if pull_request else "push",
        change=Change(
            commit=f"{number:040x}",
            author=f"author-{int(rng.zipf(1.5)) % _AUTHORS}",
            branch=f"fix/topic-{number // 5}" if pull_request else "main",
            message="Fix how totals are rounded",
            files=tuple(
                ChangedFile(path=path, lines_added=int(rng.integers(1, 80)))
                for path in sorted(files)
            ),
        ),
    )


def _outcome(build: QueuedBuild, rng: np.random.Generator, *, failed: bool) -> BuildOutcome:
    ends = [
        build.queued_at + timedelta(seconds=seconds)
        for seconds in np.cumsum(rng.exponential(120.0, len(_JOBS))).tolist()
    ]
    starts = [build.queued_at, *ends[:-1]]
    jobs = tuple(
        Job(name=name, status=BuildStatus.PASSED, started_at=start, finished_at=end)
        for name, start, end in zip(_JOBS, starts, ends, strict=True)
    )
    status = BuildStatus.FAILED if failed else BuildStatus.PASSED
    return BuildOutcome(status=status, started_at=build.queued_at, finished_at=ends[-1], jobs=jobs)
