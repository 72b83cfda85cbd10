"""History to examples on Ray: one task a project, each reads, replays and writes its own file.

Tasks open the history by its URL, so any node that reaches the database can take part; rows never
pass through the driver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from features.replay import replay_builds, replay_tests
from history.events import BuildFinished, StoredEvent, TestsReported
from history.open import open_history
from training.config import Workers
from training.examples import Examples, write_examples
from training.kinship import noting_commits

Kind = Literal["builds", "tests"]
OnProgress = Callable[[int, int], None]
"""Told how many projects are done, and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The examples of one project on disk, and the commits that it has built."""

    project: str
    path: Path
    rows: int
    commits: frozenset[str] = frozenset()


def replay_projects(  # noqa: PLR0913 - the whole of a replay, each named by the caller
    url: str,
    projects: Sequence[str],
    folder: Path,
    *,
    kind: Kind,
    max_rows: int,
    workers: Workers,
    on_progress: OnProgress,
) -> list[Replayed]:
    """Replay *projects* and write their examples.

    Args:
        url: Of the history.
        projects: Which.
        folder: For the Parquet files; every worker must reach it.
        kind: `builds`, or `tests` of builds.
        max_rows: Of a project, the newest are kept, whole builds only.
        workers: Tasks at a time.
        on_progress: Told after each project.

    Returns:
        One file a project, in the order of *projects*.
    """
    import ray  # noqa: PLC0415 - slow, and only training pays for it

    task: Any = ray.remote(replay_project).options(num_cpus=workers.cpus_each, max_retries=3)
    started: list[Any] = []
    waiting: list[Any] = []
    done = 0
    for number, project in enumerate(projects):
        path = folder / f"{number:05d}.parquet"
        started.append(task.remote(url, project, path, kind, max_rows))
        waiting.append(started[-1])
        while len(waiting) >= workers.count or (waiting and number == len(projects) - 1):
            ready, waiting = ray.wait(waiting)
            done += len(ready)
            on_progress(done, len(projects))
    return list(ray.get(started))


def replay_project(url: str, project: str, path: Path, kind: Kind, max_rows: int) -> Replayed:
    """Replay one project of the history at *url* and write its examples to *path*."""
    store = open_history(url, migrate=False)
    commits: set[str] = set()
    try:
        events = noting_commits(store.read(project), commits)
        examples = of_builds(project, events) if kind == "builds" else of_tests(project, events)
    finally:
        store.close()
    kept = newest(examples, max_rows)
    written = write_examples(path, kept)
    return Replayed(project=project, path=written, rows=len(kept), commits=frozenset(commits))


def of_builds(project: str, events: Iterable[StoredEvent]) -> Examples:
    """Return an example for each build of *project* that passed or failed."""
    known_at: dict[str, int] = {}
    found = replay_builds(_noting(events, known_at))
    return Examples(
        names=found.names,
        rows=found.rows,
        project=_repeated(project, len(found)),
        sequence=found.sequence,
        known_at=np.array([known_at[build] for build in found.build_ids], dtype=np.int64),
        queued_at=found.queued_at,
        duration_s=found.duration_s,
        failed=found.failed,
        flaky=np.zeros(len(found), dtype=np.bool_),
        test=np.full(len(found), -1, dtype=np.int32),
    )


def of_tests(project: str, events: Iterable[StoredEvent]) -> Examples:
    """Return an example for each test that a build of *project* ran."""
    all_events = list(events)
    known_at: dict[str, int] = {}
    for event in all_events:
        if isinstance(event, TestsReported):
            known_at[event.build_id] = event.sequence
    found = replay_tests(all_events)
    of_cycle = np.array([known_at[build] for build in found.build_ids], dtype=np.int64)
    return Examples(
        names=found.names,
        rows=found.rows,
        project=_repeated(project, len(found)),
        sequence=found.sequence,
        known_at=of_cycle[found.cycle],
        queued_at=found.queued_at,
        duration_s=found.duration_s.astype(np.float64),
        failed=found.failed,
        flaky=found.flaky,
        test=found.tests,
    )


def newest(examples: Examples, max_rows: int) -> Examples:
    """Return the newest *max_rows* rows of one project, whole builds only; at least one build."""
    if len(examples) <= max_rows:
        return examples
    first = examples.sequence[len(examples) - max_rows - 1]
    keep = examples.sequence > min(first, examples.sequence[-1] - 1)
    return examples.where(keep)


def _noting(events: Iterable[StoredEvent], known_at: dict[str, int]) -> Iterator[StoredEvent]:
    for event in events:
        if isinstance(event, BuildFinished):
            known_at[event.build_id] = event.sequence
        yield event


def _repeated(project: str, count: int) -> NDArray[np.object_]:
    names = np.empty(count, dtype=object)
    names[:] = project
    return names
