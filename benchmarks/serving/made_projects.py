"""Made-up projects of so many tests, and a JUnit file of so many results."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import quoteattr

import numpy as np

from devmind.ci import (
    BuildOutcome,
    BuildStatus,
    Change,
    ChangedFile,
    QueuedBuild,
    TestReport,
    TestRun,
    Verdict,
)
from devmind.events import Event, Finished, Queued, Reported

PIPELINE = "ci.yml"
_START = datetime(2026, 1, 5, tzinfo=UTC)
_MODULE = 40
"""Tests of one module."""
_CHANGED = 3
_BREAKS, _FLAKES = 0.05, 0.002


def project(tests: int) -> str:
    """Name the project of so many tests."""
    return f"bench/tests-{tests}"


def names_of_tests(tests: int) -> list[str]:
    """Return the tests' names, some forty to a module."""
    return [f"tests/unit/module_{n // _MODULE}.py::test_{n % _MODULE}" for n in range(tests)]


def queued(name: str, tests: int, number: int, random: np.random.Generator) -> QueuedBuild:
    """Make a build that changes a few modules."""
    modules = random.integers(0, -(-tests // _MODULE), size=_CHANGED)
    files = (ChangedFile(path=f"src/module_{m}.py", lines_added=1 + int(m) % 9) for m in modules)
    change = Change(
        commit=f"{number:08x}",
        author=("ann", "bo", "cy")[number % 3],
        branch=f"fix/{number // 4}",
        files=tuple(files),
    )
    return QueuedBuild(
        project=name,
        pipeline=PIPELINE,
        external_id=str(number),
        queued_at=_START + timedelta(minutes=15 * number),
        trigger="push",
        change=change,
    )


def stories(tests: int, *, builds: int, seed: int = 0) -> Iterator[list[Event]]:
    """Make what happens to each build; tests of changed modules break now and then."""
    random = np.random.default_rng([seed, tests])
    names = names_of_tests(tests)
    usual_s = random.lognormal(-2, 1.2, tests)
    for number in range(builds):
        build = queued(project(tests), tests, number, random)
        touched = [file.path.removeprefix("src/module_")[:-3] for file in build.change.files]
        near = np.isin(np.arange(tests) // _MODULE, np.array(touched, dtype=np.int64))
        failed = random.random(tests) < np.where(near, _BREAKS, _FLAKES * 40 / tests)
        runs = tuple(
            TestRun(
                name=name,
                verdict=Verdict.FAILED if bad else Verdict.PASSED,
                duration_s=float(took),
            )
            for name, bad, took in zip(
                names, failed, (usual_s * random.lognormal(0, 0.2, tests)).round(3), strict=True
            )
        )
        ended = BuildOutcome(
            status=BuildStatus.FAILED if failed.any() else BuildStatus.PASSED,
            started_at=build.queued_at + timedelta(seconds=20),
            finished_at=build.queued_at + timedelta(seconds=500 + 7 * (number % 11)),
        )
        yield [
            Queued(build=build),
            Reported(build_id=build.build_id, report=TestReport(runs=runs, name="unit")),
            Finished(build_id=build.build_id, outcome=ended),
        ]


def junit(results: int, *, seed: int = 0) -> str:
    """Make a JUnit file of so many results, one in a hundred failed; without line ends."""
    random = np.random.default_rng([seed, results])
    cases = (
        f"<testcase classname={quoteattr(name.partition('::')[0])}"
        f" name={quoteattr(name.partition('::')[2])} time={quoteattr(f'{took:.3f}')}"
        + ('><failure message="1 != 2">assert 1 == 2</failure></testcase>' if bad else "/>")
        for name, bad, took in zip(
            names_of_tests(results),
            random.random(results) < 0.01,  # noqa: PLR2004 - one in a hundred
            random.lognormal(-2, 1.2, results),
            strict=True,
        )
    )
    return f'<testsuite name="unit" tests="{results}">{"".join(cases)}</testsuite>'
