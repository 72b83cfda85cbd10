"""Histories of any size, for measuring: builds with test reports of a project that lives on.

`python -m benchmarks.large_histories DATABASE_URL --verdicts 1000000` writes one. Few tests fail
often and most never, as in real projects; a failing test goes on failing for some builds; a build
runs a part of the tests, which grow in number; one seed makes one history.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from devmind.ci import (
    BuildOutcome,
    BuildStatus,
    Change,
    ChangedFile,
    FileChange,
    QueuedBuild,
    TestReport,
    TestRun,
    Verdict,
)
from devmind.events import Event, Finished, Queued, Reported
from history.open import open_history

START = datetime(2024, 1, 1, tzinfo=UTC)
RUNS = 250
"""Verdicts of a build."""
_FIRST_TESTS, _MODULE, _AREAS, _AUTHORS = 400, 20, 40, 25
_NEW_TEST_EVERY = 5
_BATCH = 150
_PERSISTS, _FLAKY = 0.7, 0.1


def large_history(project: str, verdicts: int, *, seed: int) -> Iterator[list[Event]]:
    """Yield the events of one build after another, until there are *verdicts* verdicts.

    Args:
        project: Its name.
        verdicts: In all; the last build has as many as are left.
        seed: Of everything random.
    """
    rng = np.random.default_rng(seed)
    count = _FIRST_TESTS + verdicts // RUNS // _NEW_TEST_EVERY + 1
    tendency = _tendencies(count, np.random.default_rng([seed, 1]))
    failing = np.zeros(len(tendency), dtype=np.bool_)
    at, number = START, 0
    while verdicts > 0:
        known = _FIRST_TESTS + number // _NEW_TEST_EVERY
        tests = np.sort(rng.choice(known, min(RUNS, known, verdicts), replace=False))
        again = failing[tests] & (rng.random(len(tests)) < _PERSISTS)
        failing[tests] = again | (rng.random(len(tests)) < tendency[tests])
        yield _build(project, number, at, tests, failing[tests], rng)
        at += timedelta(minutes=float(rng.exponential(12.0)))
        verdicts -= len(tests)
        number += 1


def write(url: str, project: str, verdicts: int, *, seed: int, there: int = 0) -> int:
    """Record such a history in the database at *url*; returns how many events were recorded.

    Args:
        url: Of the database.
        project: Its name.
        verdicts: In all.
        seed: Of everything random.
        there: Verdicts that were recorded before, with the same seed; a multiple of `RUNS`.
    """
    count, batch = 0, list[Event]()
    with open_history(url) as store:
        builds = large_history(project, verdicts, seed=seed)
        for events in islice(builds, there // RUNS, None):
            batch += events
            count += len(events)
            if len(batch) >= _BATCH:
                store.append(project, batch)
                batch = []
        store.append(project, batch)
    return count


def _tendencies(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw how readily each test starts to fail: nearly never, and for a few of them often."""
    return np.asarray(rng.beta(0.05, 12.0, count), dtype=np.float64)


def _build(  # noqa: PLR0913, PLR0917 - the whole of a build
    project: str,
    number: int,
    at: datetime,
    tests: NDArray[np.int64],
    failing: NDArray[np.bool_],
    rng: np.random.Generator,
) -> list[Event]:
    build = QueuedBuild(
        project=project,
        pipeline="ci.yml",
        external_id=str(number),
        queued_at=at,
        trigger="push" if number % 3 else "pull_request",
        change=_change(number, rng),
    )
    flaky = failing & (rng.random(len(tests)) < _FLAKY)
    durations_s = (0.02 * (1 + tests % 50) * rng.lognormal(0.0, 0.3, len(tests))).round(3)
    runs = [
        _run(test, Verdict.FAILED if bad else Verdict.PASSED, duration_s)
        for test, bad, duration_s in zip(tests.tolist(), failing, durations_s.tolist(), strict=True)
    ]
    runs += [_run(test, Verdict.PASSED, 0.5, attempt=2) for test in tests[flaky].tolist()]
    ended = BuildOutcome(
        status=BuildStatus.FAILED if (failing & ~flaky).any() else BuildStatus.PASSED,
        finished_at=at + timedelta(seconds=120 + float(durations_s.sum())),
    )
    return [
        Queued(build=build),
        Reported(build_id=build.build_id, report=TestReport(name="unit", runs=tuple(runs))),
        Finished(build_id=build.build_id, outcome=ended),
    ]


def _run(test: int, verdict: Verdict, duration_s: float, *, attempt: int = 1) -> TestRun:
    module = test // _MODULE
    path = f"tests/area_{module % _AREAS}/test_module_{module}.py"
    return TestRun(
        name=f"{path}::test_case_{test}",
        verdict=verdict,
        duration_s=duration_s,
        attempt=attempt,
        file=path,
    )


def _change(number: int, rng: np.random.Generator) -> Change:
    area = int(rng.integers(_AREAS))
    files = tuple(
        ChangedFile(
            path=f"src/area_{area}/module_{int(rng.zipf(1.6)) % 200}.py",
            lines_added=int(rng.integers(1, 80)),
            lines_deleted=int(rng.integers(0, 40)),
            kind=FileChange.MODIFIED,
        )
        for _ in range(int(rng.integers(1, 6)))
    )
    return Change(
        commit=f"{number:040x}",
        author=f"author-{int(rng.zipf(1.5)) % _AUTHORS}",
        branch="main" if number % 3 else f"topic/{number}",
        files=files,
    )


def main(
    database_url: Annotated[str, typer.Argument(help="sqlite:///FILE or postgresql://...")],
    verdicts: Annotated[int, typer.Option(min=1)] = 1_000_000,
    project: str = "large",
    seed: int = 7,
) -> None:
    """Write a large history."""
    print(f"{write(database_url, project, verdicts, seed=seed):,} events written")


if __name__ == "__main__":
    typer.run(main)
