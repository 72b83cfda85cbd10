"""Projects of thousands of tests, made in memory: events as the history gives them back.

Nearly all tests run in every build; few of them fail often and most never, and a failing one goes
on failing for some builds. Changes touch sources and, now and then, a file of tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from devmind.ci import (
    BuildId,
    BuildOutcome,
    BuildStatus,
    Change,
    ChangedFile,
    Job,
    QueuedBuild,
)
from history.events import (
    FAILED,
    PASSED,
    BuildFinished,
    BuildQueued,
    NamedTest,
    StoredEvent,
    TestsReported,
)

TAG = "p0000"
"""Stands in every name of a project, so that another project's bytes differ in it alone."""
START = datetime(2025, 1, 1, tzinfo=UTC)
_AREAS, _FILES, _AUTHORS = 40, 2_000, 60
_CASES = 20
"""Tests of a file."""
_RUN_SHARE, _PERSISTS, _TESTS_CHANGE = 0.9, 0.7, 0.5
_JOBS = ("build", "unit", "integration", "lint", "deploy")
_BRANCHES = 12


def events(tests: int, builds: int, *, seed: int) -> Iterator[StoredEvent]:
    """Yield the events of a project's builds, three a build.

    Args:
        tests: How many the project has from its first build on.
        builds: How many.
        seed: Of everything random.
    """
    rng = np.random.default_rng(seed)
    tendency = rng.beta(0.05, 12.0, tests)
    usual_s = rng.lognormal(-2, 1.5, tests)
    failing = np.zeros(tests, dtype=np.bool_)
    for number in range(builds):
        every = number == 0
        ran = np.flatnonzero(every | (rng.random(tests) < _RUN_SHARE)).astype(np.int32)
        again = failing[ran] & (rng.random(len(ran)) < _PERSISTS)
        failing[ran] = again | (rng.random(len(ran)) < tendency[ran])
        durations_s = (usual_s[ran] * rng.lognormal(0, 0.2, len(ran))).astype(np.float32)
        new = range(tests) if every else ()
        named = tuple(NamedTest(number=n, name=_name(n), file=_file(n)) for n in new)
        yield from _build(number, ran, failing[ran], durations_s, named, rng)


def named(body: bytes, project: str) -> bytes:
    """Return the snapshot *body* of another project: *project* is as long as `TAG`."""
    if len(project) != len(TAG):
        raise ValueError(f"{project!r} is not as long as {TAG!r}")
    return body.replace(TAG.encode(), project.encode())


def queued(number: int, rng: np.random.Generator) -> QueuedBuild:
    """Return the build *number*, for a question or an event."""
    return QueuedBuild(
        project=TAG,
        pipeline=f"{TAG}-ci.yml" if number % 4 else f"{TAG}-nightly.yml",
        external_id=str(number),
        queued_at=START + timedelta(minutes=30 * number),
        trigger="push" if number % 3 else "pull_request",
        change=_change(number, rng),
    )


def _build(  # noqa: PLR0913, PLR0917 - the whole of a build
    number: int,
    ran: NDArray[np.int32],
    failing: NDArray[np.bool_],
    durations_s: NDArray[np.float32],
    new: tuple[NamedTest, ...],
    rng: np.random.Generator,
) -> Iterator[StoredEvent]:
    build_id = BuildId(f"{TAG}{number:027x}")
    build = queued(number, rng)
    yield BuildQueued(sequence=3 * number + 1, build_id=build_id, build=build)
    yield TestsReported(
        sequence=3 * number + 2,
        build_id=build_id,
        report="unit",
        tests=ran,
        verdicts=np.where(failing, FAILED, PASSED).astype(np.int8),
        durations_s=durations_s,
        attempts=np.ones(len(ran), dtype=np.int16),
        new_tests=new,
    )
    yield BuildFinished(
        sequence=3 * number + 3,
        build_id=build_id,
        outcome=_outcome(build.queued_at, failed=bool(failing.any()), rng=rng),
    )


def _outcome(at: datetime, *, failed: bool, rng: np.random.Generator) -> BuildOutcome:
    ends = [at + timedelta(seconds=s) for s in np.cumsum(rng.exponential(200.0, len(_JOBS)))]
    starts = [at, *ends[:-1]]
    jobs = tuple(
        Job(name=f"{TAG}-{name}", status=BuildStatus.PASSED, started_at=start, finished_at=end)
        for name, start, end in zip(_JOBS, starts, ends, strict=True)
    )
    status = BuildStatus.FAILED if failed else BuildStatus.PASSED
    return BuildOutcome(status=status, finished_at=ends[-1], jobs=jobs)


def _change(number: int, rng: np.random.Generator) -> Change:
    paths = {_source(int(n) % _FILES) for n in rng.zipf(1.3, int(rng.integers(1, 12)))}
    if rng.random() < _TESTS_CHANGE:
        paths.add(_file(int(rng.integers(5_000))))
    files = (ChangedFile(path=path, lines_added=int(rng.integers(1, 80))) for path in sorted(paths))
    return Change(
        commit=f"{TAG}{number:035x}",
        author=f"{TAG}-author-{int(rng.zipf(1.5)) % _AUTHORS}",
        branch="main" if number % 3 else f"{TAG}/topic-{number % _BRANCHES}",
        message="Round the total of a cart as the tax office wants it",
        files=tuple(files),
    )


def _source(number: int) -> str:
    return f"src/{TAG}/area_{number % _AREAS}/module_{number}.py"


def _file(test: int) -> str:
    module = test // _CASES
    return f"tests/{TAG}/area_{module % _AREAS}/test_module_{module}.py"


def _name(test: int) -> str:
    return f"{_file(test)}::TestCheckout{test % 7}::test_case_{test}_is_rounded"
