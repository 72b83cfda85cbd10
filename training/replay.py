"""History to examples on Ray Data: projects in parallel, each in slices, only what is new.

Tasks open the history by its URL, so any node that reaches the database and the folder of kept
examples can take part; rows never pass through the driver's part of Ray.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import structlog

from devmind.errors import DevMindError
from training.config import Workers
from training.example_store import locked
from training.examples import Examples
from training.kept_examples import MEBIBYTE, Replaying, kept_examples, planned
from training.replay_project import ProjectTask, replay_slices
from training.replayed_rows import Kind, of_builds, of_tests

__all__ = ["Kind", "of_builds", "of_tests", "replay_history"]

log = structlog.get_logger(__name__)

_PARTS = 100
_DEPTH = 8

OnProgress = Callable[[int, int], None]
"""Told how many slices are done, and how many there are."""


def replay_history(
    url: str,
    projects: Sequence[str],
    replaying: Replaying,
    *,
    workers: Workers,
    on_progress: OnProgress,
) -> tuple[Examples, dict[str, frozenset[str]]]:
    """Bring the kept examples of *projects* up to date, and read them.

    Two calls on one folder, in any processes of a machine, take turns; the second finds done what
    the first one did.

    Args:
        url: Of the history.
        projects: Which.
        replaying: What and where.
        workers: Tasks at a time.
        on_progress: Told now and then; may raise to give up, and what is done is kept.

    Returns:
        The examples, by project in the order of *projects*, and the commits each has built.

    Raises:
        InvalidInput: If no project can be replayed within the memory that a worker may use;
            where some can, the others are left out with a warning.
        HistoryUnavailable: If the database does not answer.
        FolderUnwritable: If the disk does not take the examples; those of before stay.
    """

    def waiting(owner: str) -> None:
        log.info("waiting for another replay", folder=str(replaying.root), owner=owner)
        on_progress(0, 0)

    with locked(replaying.root, on_wait=waiting):
        tasks = planned(url, projects, replaying, threads=workers.count)
        _carry_out([task for task in tasks if task.todo], replaying, workers, on_progress)
        return kept_examples(tasks, replaying)


def _carry_out(
    tasks: Sequence[ProjectTask], replaying: Replaying, workers: Workers, on_progress: OnProgress
) -> None:
    """Replay what is to do, the longest projects first."""
    if not tasks:
        return
    ordered = sorted(tasks, key=lambda task: sum(one.start - one.end for one in task.todo))
    total, said = sum(len(task.todo) for task in tasks), -1
    try:
        for done in _slices_done(ordered, replaying, workers):
            if _PARTS * done // total > said or done == total:
                said = _PARTS * done // total
                on_progress(done, total)
    except Exception as error:
        cause = _domain_error(error)
        if cause is None:
            raise
        raise cause from error


def _slices_done(
    tasks: Sequence[ProjectTask], replaying: Replaying, workers: Workers
) -> Iterator[int]:
    """Yield how many slices are done; Ray tries a task whose worker has died three more times."""
    import ray  # noqa: PLC0415 - slow, and only training pays for it
    import ray.data  # noqa: PLC0415 - as above

    nodes: list[Any] = ray.nodes()  # type: ignore[no-untyped-call] # Ray leaves it untyped
    most = max((node["Resources"].get("memory", 0.0) for node in nodes if node["Alive"]), default=0)
    memory = min(float(replaying.memory_mb * MEBIBYTE), most)
    numbers = [{"number": number} for number in range(len(tasks))]
    slices = ray.data.from_items(numbers, override_num_blocks=len(numbers)).flat_map(
        partial(_replayed, tasks=tuple(tasks)),
        compute=ray.data.TaskPoolStrategy(size=min(workers.count, len(tasks))),
        num_cpus=workers.cpus_each,
        memory=memory,
    )
    slices.context.target_max_block_size = 1  # a slice is told when it is done, not in blocks
    slices.context.enable_progress_bars = False
    for done, _ in enumerate(slices.iter_rows(), start=1):
        yield done


def _replayed(row: dict[str, Any], *, tasks: Sequence[ProjectTask]) -> Iterator[dict[str, Any]]:
    for one in replay_slices(tasks[row["number"]]):
        yield {"number": row["number"], "end": one.end}


def _domain_error(error: BaseException) -> DevMindError | None:
    """Find our own error in what Ray made of it."""
    seen: BaseException | None = error
    for _ in range(_DEPTH):
        if seen is None or isinstance(seen, DevMindError):
            return seen
        seen = getattr(seen, "cause", None) or seen.__cause__
    return None
