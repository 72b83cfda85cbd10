"""Replay the tests of a history in this process, and print what it cost as one line of JSON.

`python -m benchmarks.training.replay_once DATABASE_URL FOLDER`; a process of its own, so that its
peak memory is that of one replay. Costs are CPU seconds, which other work on the machine leaves
alone.
"""

from __future__ import annotations

import json
import resource
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from history.open import open_history
from training.example_store import ProjectFolder, locked
from training.kept_examples import Replaying, planned
from training.replay_project import replay_slices


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one replay cost.

    Attributes:
        rows: Examples there are afterwards.
        slices: How many were replayed.
        cpu_s: CPU seconds of it all.
        wall_s: Seconds on the clock.
        first_us: CPU microseconds a row, in the first quarter of the slices.
        last_us: The same in the last quarter.
        base_mb: Memory before, in MiB.
        peak_mb: The most memory the process took, in MiB.
    """

    rows: int
    slices: int
    cpu_s: float
    wall_s: float
    first_us: float
    last_us: float
    base_mb: float
    peak_mb: float


def cost(url: str, root: Path) -> Cost:
    """Bring the examples in *root* up to date and measure that."""
    base_mb, wall, cpu = _peak_mb(), time.perf_counter(), time.process_time()
    spent: list[float] = []
    rows: list[int] = []
    with open_history(url) as store:
        projects = [one.project for one in store.projects()]
    replaying = Replaying(root=root, kind="tests", max_rows=10**9, memory_mb=10**6)
    with locked(root, on_wait=print):
        for task in planned(url, projects, replaying, threads=1):
            folder, before = ProjectFolder(root, task.project), time.process_time()
            for one in replay_slices(task) if task.todo else ():
                now = time.process_time()
                spent.append(now - before)
                before = now
                manifest = folder.manifest()
                kept = () if manifest is None else manifest.slices
                rows += [part.rows for part in kept if part.slice == one]
        manifests = [ProjectFolder(root, project).manifest() for project in projects]
    quarter = max(1, len(rows) // 4)
    return Cost(
        rows=sum(manifest.rows for manifest in manifests if manifest is not None),
        slices=len(rows),
        cpu_s=time.process_time() - cpu,
        wall_s=time.perf_counter() - wall,
        first_us=_each_us(spent[:quarter], rows[:quarter]),
        last_us=_each_us(spent[-quarter:], rows[-quarter:]),
        base_mb=base_mb,
        peak_mb=_peak_mb(),
    )


def _each_us(spent: list[float], rows: list[int]) -> float:
    return 1e6 * sum(spent) / max(1, sum(rows))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def main(database_url: str, folder: Path) -> None:
    """Replay, and print the cost."""
    print(json.dumps(asdict(cost(database_url, folder))))


if __name__ == "__main__":
    typer.run(main)
