"""How long it takes to retrain all three models: the whole job, from history to registered version.

`python -m benchmarks.retraining_time` lets a simulated company live through 40,000 builds, keeps
the test reports of as many as make 70,000 verdicts, and runs the training job of each model as a
user would, one after the other, each in a process of its own. It prints the table, writes it to
`benchmarks/results/retraining_time.md`, and exits with 1 beyond the goal.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from devmind.ci import FinishedBuild
from devmind.events import in_order_of_time
from devmind.simulate import Timeline, make_company
from history.load import load
from history.open import open_history
from models.names import MODELS, in_paths

RESULT = Path(__file__).with_name("results") / "retraining_time.md"
ROOT = Path(__file__).resolve().parent.parent
PROJECTS = 8
GOAL_S = 600.0
START = datetime(2025, 1, 6, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One training job: seconds, and the most memory a process of it took."""

    model: str
    seconds: float
    said: str


def main(
    builds: Annotated[int, typer.Option(min=800)] = 40_000,
    verdicts: Annotated[int, typer.Option(min=1_000)] = 70_000,
    seed: int = 5,
) -> None:
    """Make the history, run the jobs, print the table and write it down."""
    with tempfile.TemporaryDirectory(prefix="devmind-retraining-") as folder:
        home = Path(folder)
        url = f"sqlite:///{home / 'history.db'}"
        told = _record(url, builds, verdicts, seed)
        env = {**os.environ, "DEVMIND_HOME": folder, "DATABASE_URL": url}
        for name in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS"):
            env.pop(name, None)
        measured = [_job(model, env) for model in MODELS]
    text = table(measured, told)
    print(text)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text)
    raise typer.Exit(0 if sum(one.seconds for one in measured) <= GOAL_S else 1)


def company_builds(builds: int, seed: int) -> Iterator[FinishedBuild]:
    """Yield the builds of a simulated company's projects, one project after the other."""
    company = make_company(seed=seed, projects=PROJECTS, builds=builds // PROJECTS, start=START)
    for truth in company.projects:
        for build in Timeline(truth).builds():
            yield build.finished


def _record(url: str, builds: int, verdicts: int, seed: int) -> str:
    lives = company_builds(builds, seed)
    lived = list(track(lives, description="simulating", total=builds))
    runs = sum(len(report.runs) for build in lived for report in build.reports)
    kept = min(1.0, verdicts / max(runs, 1))
    thinned = [_thinned(build, i, kept) for i, build in enumerate(lived)]
    left = sum(len(report.runs) for build in thinned for report in build.reports)
    with open_history(url) as store:
        ordered = sorted(thinned, key=lambda build: build.build.queued_at)
        load(store, ordered, on_progress=lambda _: None)
    events = sum(1 for _ in in_order_of_time(ordered))
    return f"{len(lived):,} builds of {PROJECTS} projects, {left:,} verdicts, {events:,} events"


def _thinned(build: FinishedBuild, number: int, share: float) -> FinishedBuild:
    """Keep the reports of an even *share* of the builds."""
    keep = int(number * share) != int((number + 1) * share)
    return build if keep else replace(build, reports=())


def _job(model: str, env: dict[str, str]) -> Measured:
    begin = time.perf_counter()
    command = [sys.executable, "-m", "training.job", in_paths(model), "--promote-if-better"]
    ended = subprocess.run(  # noqa: S603 - our own module
        command, env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - begin
    if ended.returncode != 0:
        raise SystemExit(f"training {in_paths(model)} failed:\n{ended.stderr[-2_000:]}")
    said = ended.stdout.strip().splitlines()[-1]
    return Measured(model=model, seconds=seconds, said=said)


def table(measured: list[Measured], told: str) -> str:
    """Lay the measurements out as Markdown."""
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    rows = "\n".join(f"| {in_paths(m.model)} | {m.seconds:.0f} | {m.said} |" for m in measured)
    total = sum(one.seconds for one in measured)
    return f"""# Retraining all three models

`python -m benchmarks.retraining_time`, {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores.
{told}. Each job starts its own Ray, replays the history, fits four times (to choose, to score, and
both again with everything known), asks the gate and registers.

| model | seconds | what the job said |
|---|--:|---|
{rows}
| **all** | **{total:.0f}** | goal: under {GOAL_S:.0f} |

The largest process took {most:.1f} GiB.
"""


if __name__ == "__main__":
    typer.run(main)
