"""Seconds of two ways to do the same, taken in turns, so that both meet the same machine."""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import psutil
import ray

RESULTS = Path(__file__).parent.parent / "results"
CPUS = 2
STORE_BYTES = 1_500 * 2**20
LOOK_S = 0.25
"""How often processes are looked at: of one that ends, what it spent after that is not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one run took.

    Attributes:
        wall_s: On the clock.
        cpu_s: On all cores, by this process and all that it started, Ray's own included; other
            users of the machine count for nothing in it.
    """

    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One line of the table: medians of the repeats."""

    what: str
    plain: Spent
    ours: Spent
    wall_ratio: float
    cpu_ratio: float


def compare(
    what: str, plain: Callable[[], object], ours: Callable[[], object], *, repeats: int
) -> Compared:
    """Run *plain* and *ours* in turns, *repeats* times."""
    pairs = [(spent(plain), spent(ours)) for _ in range(repeats)]
    return Compared(
        what=what,
        plain=_median([pair[0] for pair in pairs]),
        ours=_median([pair[1] for pair in pairs]),
        wall_ratio=statistics.median(o.wall_s / p.wall_s for p, o in pairs),
        cpu_ratio=statistics.median(o.cpu_s / p.cpu_s for p, o in pairs),
    )


def spent(run: Callable[[], object]) -> Spent:
    """Measure one run."""
    wall_s = time.perf_counter()
    with _CpuWatch() as watch:
        run()
    return Spent(wall_s=time.perf_counter() - wall_s, cpu_s=watch.total_s)


def table(title: str, lines: list[Compared]) -> str:
    """Lay lines out as Markdown."""
    rows = "\n".join(
        f"| {one.what} | {one.plain.wall_s:.1f} | {one.ours.wall_s:.1f} | {one.wall_ratio:.2f} "
        f"| {one.plain.cpu_s:.1f} | {one.ours.cpu_s:.1f} | {one.cpu_ratio:.2f} |"
        for one in lines
    )
    return f"""## {title}

| what | plain, s | on Ray, s | ratio | plain, CPU s | on Ray, CPU s | ratio |
|---|--:|--:|--:|--:|--:|--:|
{rows}
"""


def publish(part: str, text: str) -> None:
    """Print the *text* of a part and write it to `benchmarks/results/`."""
    print(text)
    RESULTS.mkdir(exist_ok=True)
    said = f"`python -m benchmarks.training.{part}`, {datetime.now(UTC):%Y-%m-%d}, {CPUS} cores."
    load = f"Load of the machine at the end: {os.getloadavg()[0]:.1f}."
    body = text.replace("## ", "# ", 1).replace("\n", f"\n\n{said} {load}\n", 1)
    (RESULTS / f"training_{part}.md").write_text(body)


@contextmanager
def local_ray() -> Iterator[None]:
    """Start a Ray of this benchmark's own, on loopback and without tokens."""
    os.environ["RAY_AUTH_MODE"] = "disabled"
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as temp:
        ray.init(
            address="local",
            num_cpus=CPUS,
            include_dashboard=False,
            log_to_driver=False,
            object_store_memory=STORE_BYTES,
            _temp_dir=temp,
        )
        try:
            yield
        finally:
            ray.shutdown()


def _median(runs: list[Spent]) -> Spent:
    return Spent(
        wall_s=statistics.median(run.wall_s for run in runs),
        cpu_s=statistics.median(run.cpu_s for run in runs),
    )


class _CpuWatch:
    """Adds up what this process and all below it spend; looks often, as processes come and go."""

    def __init__(self) -> None:
        self._begun: dict[psutil.Process, float] = {}
        self._last: dict[psutil.Process, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def total_s(self) -> float:
        """Seconds on all cores, from beginning to end."""
        return sum(last - self._begun.get(process, 0.0) for process, last in self._last.items())

    def __enter__(self) -> Self:
        self._begun = dict(_cpu_s())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._last.update(_cpu_s())

    def _watch(self) -> None:
        while not self._over.wait(LOOK_S):
            self._last.update(_cpu_s())


def _cpu_s() -> Iterator[tuple[psutil.Process, float]]:
    me = psutil.Process()
    for process in (me, *me.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue  # it has just ended
        yield process, times.user + times.system
