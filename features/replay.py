"""History -> examples: each build's row as it was when the build was queued, and its outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from devmind.ci import BuildId, BuildStatus, QueuedBuild
from features.build_state import BuildState, Row
from features.verdict_state import TestState
from features.verdicts.runs import Merged, merge
from history.events import BuildFinished, BuildQueued, StoredEvent, TestsReported


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BuildExamples:
    """One example a build that passed or failed, in the order of queueing.

    Attributes:
        names: The columns of `rows`.
        rows: float32 (n, k), read at the queued event.
        queued_at: float64, epoch seconds.
        sequence: int64, of the queued event.
        known_at: int64, of the finished event.
        duration_s: float64, of work.
        failed: Whether it failed.
        passed: Whether it passed; only then is the duration that of a whole build.
        build_ids: The builds.
        pipelines: Their pipelines.
    """

    names: tuple[str, ...]
    rows: NDArray[np.float32]
    queued_at: NDArray[np.float64]
    sequence: NDArray[np.int64]
    known_at: NDArray[np.int64]
    duration_s: NDArray[np.float64]
    failed: NDArray[np.bool_]
    passed: NDArray[np.bool_]
    build_ids: tuple[str, ...]
    pipelines: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TestExamples:
    """One example a test and build that ran it, by build and then by test number.

    Attributes:
        names: The columns of `rows`.
        rows: float32 (m, k), read at the build's queued event, its tests being the candidates.
        cycle: int32, number of the build among those that ran tests, in the order of queueing.
        tests: int32, number of the test.
        failed: Whether an attempt failed in any of the build's reports.
        flaky: Whether an attempt failed and another one of the same report passed.
        duration_s: float32, seconds of an attempt.
        queued_at: float64, epoch seconds.
        sequence: int64, of the queued event.
        known_at: int64, of the build's last report.
        build_ids: The builds, by `cycle`.
    """

    names: tuple[str, ...]
    rows: NDArray[np.float32]
    cycle: NDArray[np.int32]
    tests: NDArray[np.int32]
    failed: NDArray[np.bool_]
    flaky: NDArray[np.bool_]
    duration_s: NDArray[np.float32]
    queued_at: NDArray[np.float64]
    sequence: NDArray[np.int64]
    known_at: NDArray[np.int64]
    build_ids: tuple[str, ...]

    __test__ = False  # pytest would take it for a test class

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TestCycle:
    """A build that ran tests: what was read when it was queued, and what its reports say.

    Attributes:
        event: The queued event.
        merged: One run a test, m in all.
        known_at: Number of the build's last report.
        rows: float32 (m, k).
    """

    event: BuildQueued
    merged: Merged
    known_at: int
    rows: NDArray[np.float32]

    __test__ = False  # pytest would take it for a test class


EndsOf = Callable[[Sequence[BuildId]], Iterable[BuildFinished]]
"""Gives the ends of builds, where they are known."""
ReportsOf = Callable[[BuildId], Sequence[TestsReported]]
"""Gives all reports of a build, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    event: BuildQueued
    row: Row


def replay_builds(
    events: Iterable[StoredEvent],
    *,
    state: BuildState | None = None,
    ends_of: EndsOf | None = None,
) -> BuildExamples:
    """Fold a project's *events* and return an example for each build that passed or failed.

    Args:
        events: In the order of their sequence numbers.
        state: Where to go on from; left as of the last event. A new one by default.
        ends_of: Asked for the ends of builds that *events* leave running; by default they have
            none.

    Returns:
        Rows that a service folding the same events would have read when each build was queued.
    """
    state = state or BuildState()
    waiting: dict[BuildId, _Waiting] = {}
    ended: list[tuple[_Waiting, BuildFinished]] = []
    for event in events:
        state.update(event)
        if isinstance(event, BuildQueued):
            waiting[event.build_id] = _Waiting(event=event, row=_row(state, event))
        elif isinstance(event, BuildFinished) and event.build_id in waiting:
            ended.append((waiting.pop(event.build_id), event))
    if ends_of is not None and waiting:
        ended += [(waiting[end.build_id], end) for end in ends_of(tuple(waiting))]
    decided = (BuildStatus.PASSED, BuildStatus.FAILED)
    known = [pair for pair in ended if pair[1].outcome.status in decided]
    return _build_examples(sorted(known, key=lambda pair: pair[0].event.sequence))


def replay_tests(events: Sequence[StoredEvent], *, state: TestState | None = None) -> TestExamples:
    """Fold a project's *events* and return an example for each test that a build ran.

    Args:
        events: In the order of their sequence numbers; walked twice.
        state: Where to go on from; left as of the last event. A new one by default.

    Returns:
        Rows that a service folding the same events would have read when each build was queued,
        with the tests that the build came to run as candidates. The row of a test first seen in
        the build itself says only that it never ran, and how first runs go in the project.
    """
    reports: dict[BuildId, list[TestsReported]] = {}
    for event in events:
        if isinstance(event, TestsReported):
            reports.setdefault(event.build_id, []).append(event)
    cycles = replay_cycles(events, lambda build: reports.get(build, ()), state or TestState())
    return join_cycles(list(cycles))


def replay_cycles(
    events: Iterable[StoredEvent], reports_of: ReportsOf, state: TestState
) -> Iterator[TestCycle]:
    """Fold *events* into *state* and yield each build that came to run tests, as of its queueing.

    Holds one build at a time, however long the history is.

    Args:
        events: In the order of their sequence numbers.
        reports_of: Looks ahead for what a build that is being queued came to report.
        state: Where to go on from; left as of the last event.
    """
    for event in events:
        reports = reports_of(event.build_id) if isinstance(event, BuildQueued) else ()
        if isinstance(event, BuildQueued) and reports:
            merged = _joint([merge(report) for report in reports])
            if len(merged.tests):
                yield TestCycle(
                    event=event,
                    merged=merged,
                    known_at=reports[-1].sequence,
                    rows=state.read(event.build, merged.tests),
                )
        state.update(event)


def _row(state: BuildState, event: BuildQueued) -> Row:
    """Return the row that *state* has just read, or read it where the event was an old one."""
    row = state.running_row(event.build_id)
    return state.read(event.build) if row is None else row


def _build_examples(ended: list[tuple[_Waiting, BuildFinished]]) -> BuildExamples:
    builds = [held.event.build for held, _ in ended]
    outcomes = [finish.outcome for _, finish in ended]
    rows = np.array([held.row for held, _ in ended], dtype=np.float32)
    pairs = list(zip(builds, outcomes, strict=True))
    return BuildExamples(
        names=BuildState.names,
        rows=rows.reshape(len(ended), len(BuildState.names)),
        queued_at=np.array([_epoch(build) for build in builds], dtype=np.float64),
        sequence=np.array([held.event.sequence for held, _ in ended], dtype=np.int64),
        known_at=np.array([finish.sequence for _, finish in ended], dtype=np.int64),
        duration_s=np.array([o.duration_s(b.queued_at) for b, o in pairs], dtype=np.float64),
        failed=np.array([o.status is BuildStatus.FAILED for o in outcomes], dtype=np.bool_),
        passed=np.array([o.status is BuildStatus.PASSED for o in outcomes], dtype=np.bool_),
        build_ids=tuple(held.event.build_id for held, _ in ended),
        pipelines=tuple(build.pipeline for build in builds),
    )


def join_cycles(cycles: Sequence[TestCycle]) -> TestExamples:
    """Return the rows of *cycles* as examples, in their order."""
    sizes = [len(cycle.rows) for cycle in cycles]
    merged = [cycle.merged for cycle in cycles]
    blank = np.empty((0, len(TestState.names)), dtype=np.float32)
    epochs = np.array([_epoch(cycle.event.build) for cycle in cycles], dtype=np.float64)
    sequence = np.array([cycle.event.sequence for cycle in cycles], dtype=np.int64)
    known_at = np.array([cycle.known_at for cycle in cycles], dtype=np.int64)
    return TestExamples(
        names=TestState.names,
        rows=np.concatenate([blank, *(cycle.rows for cycle in cycles)]),
        cycle=np.repeat(np.arange(len(cycles), dtype=np.int32), sizes),
        tests=_joined([one.tests for one in merged], np.int32),
        failed=_joined([one.failing for one in merged], np.bool_),
        flaky=_joined([one.flaky for one in merged], np.bool_),
        duration_s=_joined([one.durations_s for one in merged], np.float32),
        queued_at=np.repeat(epochs, sizes),
        sequence=np.repeat(sequence, sizes),
        known_at=np.repeat(known_at, sizes),
        build_ids=tuple(cycle.event.build_id for cycle in cycles),
    )


def _joint(parts: list[Merged]) -> Merged:
    if len(parts) == 1:
        return parts[0]
    reported = np.concatenate([part.tests for part in parts])
    tests, index = np.unique(reported, return_inverse=True)
    failing, flaky = np.zeros((2, len(tests)), dtype=np.bool_)
    durations_s = np.zeros(len(tests))
    np.logical_or.at(failing, index, np.concatenate([part.failing for part in parts]))
    np.logical_or.at(flaky, index, np.concatenate([part.flaky for part in parts]))
    np.maximum.at(durations_s, index, np.concatenate([part.durations_s for part in parts]))
    return Merged(tests=tests, failing=failing, flaky=flaky, durations_s=durations_s)


def _joined(parts: Sequence[NDArray[Any]], dtype: DTypeLike) -> NDArray[Any]:
    joined: NDArray[Any] = np.concatenate([np.empty(0, dtype=dtype), *parts]).astype(dtype)
    return joined


def _epoch(build: QueuedBuild) -> float:
    return build.queued_at.timestamp()
