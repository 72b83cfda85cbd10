"""History -> examples: each build's row as it was when the build was queued, and its outcome."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from devmind.ci import BuildStatus, QueuedBuild
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
    build_ids: tuple[str, ...]

    __test__ = False  # pytest would take it for a test class

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    event: BuildQueued
    row: Row


def replay_builds(
    events: Iterable[StoredEvent], *, state: BuildState | None = None
) -> BuildExamples:
    """Fold a project's *events* and return an example for each build that passed or failed.

    Args:
        events: In the order of their sequence numbers.
        state: Where to go on from; left as of the last event. A new one by default.

    Returns:
        Rows that a service folding the same events would have read when each build was queued.
    """
    state = state or BuildState()
    waiting: dict[str, _Waiting] = {}
    ended: list[tuple[_Waiting, BuildFinished]] = []
    for event in events:
        state.update(event)
        if isinstance(event, BuildQueued):  # the state has kept the row as of the queueing
            waiting[event.build_id] = _Waiting(event=event, row=state.read(event.build))
        elif isinstance(event, BuildFinished) and event.build_id in waiting:
            ended.append((waiting.pop(event.build_id), event))
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
    state = state or TestState()
    labels = _labels(events)
    cycles: list[tuple[BuildQueued, Merged, NDArray[np.float32]]] = []
    for event in events:
        if isinstance(event, BuildQueued) and event.build_id in labels:
            label = labels[event.build_id]
            cycles.append((event, label, state.read(event.build, label.tests)))
        state.update(event)
    return _test_examples(cycles)


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
        duration_s=np.array([o.duration_s(b.queued_at) for b, o in pairs], dtype=np.float64),
        failed=np.array([o.status is BuildStatus.FAILED for o in outcomes], dtype=np.bool_),
        passed=np.array([o.status is BuildStatus.PASSED for o in outcomes], dtype=np.bool_),
        build_ids=tuple(held.event.build_id for held, _ in ended),
        pipelines=tuple(build.pipeline for build in builds),
    )


def _test_examples(
    cycles: list[tuple[BuildQueued, Merged, NDArray[np.float32]]],
) -> TestExamples:
    sizes = [len(label.tests) for _, label, _ in cycles]
    labels = [label for _, label, _ in cycles]
    queued = [event for event, _, _ in cycles]
    blank = np.empty((0, len(TestState.names)), dtype=np.float32)
    return TestExamples(
        names=TestState.names,
        rows=np.concatenate([blank, *(rows for _, _, rows in cycles)]),
        cycle=np.repeat(np.arange(len(cycles), dtype=np.int32), sizes),
        tests=_joined([label.tests for label in labels], np.int32),
        failed=_joined([label.failing for label in labels], np.bool_),
        flaky=_joined([label.flaky for label in labels], np.bool_),
        duration_s=_joined([label.durations_s for label in labels], np.float32),
        queued_at=np.repeat(np.array([_epoch(e.build) for e in queued], np.float64), sizes),
        sequence=np.repeat(np.array([e.sequence for e in queued], dtype=np.int64), sizes),
        build_ids=tuple(event.build_id for event in queued),
    )


def _labels(events: Iterable[StoredEvent]) -> dict[str, Merged]:
    reports: dict[str, list[Merged]] = {}
    for event in events:
        if isinstance(event, TestsReported):
            reports.setdefault(event.build_id, []).append(merge(event))
    labels = {build_id: _joint(parts) for build_id, parts in reports.items()}
    return {build_id: label for build_id, label in labels.items() if len(label.tests)}


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
