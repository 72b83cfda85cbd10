"""From replayed features to the rows that models learn from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from features.build_state import BuildState
from features.replay import (
    EndsOf,
    TestCycle,
    TestExamples,
    join_cycles,
    replay_builds,
    replay_tests,
)
from history.events import StoredEvent
from training.examples import Examples

Kind = Literal["builds", "tests"]


def of_builds(
    project: str,
    events: Iterable[StoredEvent],
    *,
    state: BuildState | None = None,
    ends_of: EndsOf | None = None,
) -> Examples:
    """Return an example for each build of *project* that passed or failed.

    Args:
        project: Its name.
        events: In order.
        state: As in `features.replay.replay_builds`.
        ends_of: As there.
    """
    found = replay_builds(events, state=state, ends_of=ends_of)
    return Examples(
        names=found.names,
        rows=found.rows,
        project=_repeated(project, len(found)),
        sequence=found.sequence,
        known_at=found.known_at,
        queued_at=found.queued_at,
        duration_s=found.duration_s,
        failed=found.failed,
        flaky=np.zeros(len(found), dtype=np.bool_),
        test=np.full(len(found), -1, dtype=np.int32),
    )


def of_tests(project: str, events: Iterable[StoredEvent]) -> Examples:
    """Return an example for each test that a build of *project* ran."""
    return _of_tests(project, replay_tests(list(events)))


def of_cycles(project: str, cycles: Sequence[TestCycle]) -> Examples:
    """Return an example for each test of *cycles*."""
    return _of_tests(project, join_cycles(cycles))


def groups_of_cycles(cycles: Iterable[TestCycle], rows: int) -> Iterator[list[TestCycle]]:
    """Yield *cycles* in groups, each ended by the cycle that brings it to *rows* rows."""
    group: list[TestCycle] = []
    size = 0
    for cycle in cycles:
        group.append(cycle)
        size += len(cycle.rows)
        if size >= rows:
            yield group
            group, size = [], 0
    if group:
        yield group


def newest(examples: Examples, max_rows: int) -> Examples:
    """Return the newest *max_rows* rows of one project, whole builds only; at least one build."""
    if len(examples) <= max_rows:
        return examples
    first = examples.sequence[len(examples) - max_rows - 1]
    keep = examples.sequence > min(first, examples.sequence[-1] - 1)
    return examples.where(keep)


def _of_tests(project: str, found: TestExamples) -> Examples:
    return Examples(
        names=found.names,
        rows=found.rows,
        project=_repeated(project, len(found)),
        sequence=found.sequence,
        known_at=found.known_at,
        queued_at=found.queued_at,
        duration_s=found.duration_s.astype(np.float64),
        failed=found.failed,
        flaky=found.flaky,
        test=found.tests,
    )


def _repeated(project: str, count: int) -> NDArray[np.object_]:
    names = np.empty(count, dtype=object)
    names[:] = project
    return names
