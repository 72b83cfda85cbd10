"""What it costs to replay histories of tests: by size, the second time, and with two workers.

`python -m benchmarks.training.replay` writes histories of 1, 3 and 10 million verdicts
(`--verdicts` for others), replays each in a process of its own, twice, and one in four projects on
Ray with one worker and with two. It prints the tables and writes them to
`benchmarks/results/training_replay.md`. Speeds are rows for each second of CPU, which other work
on the machine leaves alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.large_histories import RUNS, write
from benchmarks.training.replay_once import Cost
from training.config import Workers
from training.kept_examples import Replaying
from training.replay import replay_history

RESULT = Path(__file__).parent.parent / "results" / "training_replay.md"
ROOT = Path(__file__).parent.parent.parent
SIZES = (1_000_000, 3_000_000, 10_000_000)
SHARED, PROJECTS = 200_000, 4
_NEW_SHARE = 100
_HEAD = """\
| verdicts | slices | CPU s | rows/s of a core | us a row, first quarter | last quarter | \
peak MiB | of it before | second run, CPU s | a night later, CPU s |
|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"""


def run(
    scale: float, folder: Path, *, sizes: Sequence[int] = SIZES, shared: int = SHARED
) -> Iterator[str]:
    """Measure, and yield the lines of the result.

    Args:
        scale: Of the sizes; 1 is as documented.
        folder: Scratch.
        sizes: Verdicts of the histories.
        shared: Verdicts of each project that workers share; 0 leaves Ray out.
    """
    yield _HEAD
    for size in sizes:
        yield _by_size(round(size * scale), folder / f"{size}")
    if shared:
        yield ""
        yield from _by_workers(round(shared * scale), folder / "shared")


def _by_size(verdicts: int, folder: Path) -> str:
    url = f"sqlite:///{folder / 'history.db'}"
    write(url, "large", verdicts, seed=7)
    first, second = (_replayed(url, folder / "kept") for _ in range(2))
    more = verdicts // _NEW_SHARE // RUNS * RUNS
    write(url, "large", verdicts + more, seed=7, there=verdicts)
    later = _replayed(url, folder / "kept")
    return (
        f"| {first.rows:,} | {first.slices} | {first.cpu_s:.0f}"
        f" | {first.rows / first.cpu_s:,.0f} | {first.first_us:.0f} | {first.last_us:.0f}"
        f" | {first.peak_mb:.0f} | {first.base_mb:.0f} | {second.cpu_s:.1f} | {later.cpu_s:.1f} |"
    )


def _replayed(url: str, kept: Path) -> Cost:
    command = [sys.executable, "-m", "benchmarks.training.replay_once", url, str(kept)]
    ended = subprocess.run(  # noqa: S603 - our own module
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise SystemExit(f"the replay failed:\n{ended.stderr[-2_000:]}")
    return Cost(**json.loads(ended.stdout.splitlines()[-1]))


def _by_workers(verdicts: int, folder: Path) -> Iterator[str]:
    """Replay some projects on Ray with one worker and two, and again when nothing is new."""
    import ray  # noqa: PLC0415 - slow, and only this part pays for it

    url = f"sqlite:///{folder / 'history.db'}"
    projects = [f"project-{number}" for number in range(PROJECTS)]
    for number, project in enumerate(projects):
        write(url, project, verdicts, seed=number)
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        one, two = (_seconds(url, projects, folder, count) for count in (1, 2))
        again = _seconds(url, projects, folder, 2)
    finally:
        ray.shutdown()
    load = os.getloadavg()[0]
    yield (
        f"{PROJECTS} projects of {verdicts:,} verdicts on Ray, seconds on the clock: one worker"
        f" {one:.1f}, two workers {two:.1f}, {one / two:.2f} times as fast; the second run of the"
        f" two, with nothing new, {again:.1f}, {two / again:.0f} times as fast."
        f" Load of the machine meanwhile: {load:.0f} on {os.cpu_count()} cores."
    )


def _seconds(url: str, projects: Sequence[str], folder: Path, workers: int) -> float:
    begin = time.perf_counter()
    replay_history(
        url,
        projects,
        Replaying(root=folder / f"kept by {workers}", kind="tests", max_rows=100_000),
        workers=Workers(count=workers, cpus_each=0.5),
        on_progress=lambda _done, _total: None,
    )
    return time.perf_counter() - begin


def main(
    verdicts: Annotated[list[int] | None, typer.Option(help="Sizes; several are allowed.")] = None,
    scale: Annotated[float, typer.Option(min=0.001)] = 1.0,
    shared: Annotated[int, typer.Option(help="Verdicts a project on Ray; 0 for none.")] = SHARED,
) -> None:
    """Measure, print and write down."""
    lines = []
    with tempfile.TemporaryDirectory(prefix="devmind-replay-") as folder:
        for line in run(scale, Path(folder), sizes=verdicts or SIZES, shared=shared):
            print(line, flush=True)
            lines.append(line)
    body = "\n".join(lines)
    text = f"""# Replaying histories of tests

`python -m benchmarks.training.replay`, {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores.
{RUNS} verdicts a build. The second run finds nothing new; a night later there is 1 % more.

{body}
"""
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text)


if __name__ == "__main__":
    typer.run(main)
