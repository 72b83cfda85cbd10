"""How much longer a running build takes, beside simple rules, on real builds with known jobs.

`python -m benchmarks.remaining_time` reads the data that `DEVMIND_DATA` names, learns the build
optimizer from the older four fifths of every project, and asks about the newest fifth's passed
builds at a quarter, a half and three quarters of their real duration, knowing the jobs that had
started or finished by then. It prints a table and writes `benchmarks/results/remaining_time.md`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from devmind.ci import QueuedBuild
from devmind.readers import open_source
from evaluation.blocks import newest_share
from evaluation.learners import Learners
from evaluation.remaining import (
    MEDIAN,
    MINUS_ELAPSED,
    OURS,
    SHARES,
    AskedMidway,
    PredictTotal,
    walk_remaining,
)
from features.build_state import BuildState
from history.events import BuildQueued, StoredEvent
from history.load import load
from history.open import open_history
from models.build_optimizer import QUANTILES, BuildOptimizer
from models.bundle import Bundle
from models.metrics import coverage, mae, median_error, pinball
from models.running_interval import running_interval
from training.examples import Examples, concatenate
from training.replay import of_builds

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks" / "results" / "remaining_time.md"
SOURCE = "github-actions/with_steps"
NEWEST = 0.2
RULES = (OURS, MINUS_ELAPSED, MEDIAN)
COLUMNS = ("MAE s", *(f"at {share:.0%}" for share in SHARES), "median s", "pinball s", "coverage")
Rows = Mapping[str, Sequence[AskedMidway]]
"""Project -> builds asked about midway."""
Histories = Mapping[str, Sequence[StoredEvent]]

_HEAD = """# How much longer a running build takes

`python -m benchmarks.remaining_time`, {date}: {rows} questions about passed builds of
{source}, each project's newest fifth, asked at 25, 50 and 75 % of
their real duration, knowing the jobs that had started or ended by then. The model learned from
older builds, and the weights of the rule were chosen on older builds. Errors are those of the
median, in seconds; coverage is that of the 80 % interval, which the median of 7 has none of.
"""


def measured(histories: Histories, learners: Learners) -> Rows:
    """Learn from the older builds of all projects and ask about the newest of each."""
    examples = concatenate([of_builds(name, events) for name, events in histories.items()])
    block = newest_share(examples, NEWEST)
    learned = learners.durations(examples.where(block.known))
    bundle = Bundle(name="benchmark", manifest=learned.manifest, files=learned.files, seal="")
    model = BuildOptimizer.load(bundle, examples.names)
    newest = examples.where(block.asked & ~examples.failed)
    return {
        name: walk_remaining(events, predicted_by(model, name), asked=_asked(name, events, newest))
        for name, events in histories.items()
    }


def predicted_by(model: BuildOptimizer, project: str) -> PredictTotal:
    """Return the model as `walk_remaining` asks it, and as a replica would answer."""

    def predict(state: BuildState, build: QueuedBuild) -> NDArray[np.float64]:
        running = running_interval(model, state.outcomes, project)
        return np.asarray(model.predict(state.read(build)[None, :], running=running)[0])

    return predict


def table(rows: Rows) -> Iterator[str]:
    """Yield the Markdown lines: a row a project and rule."""
    yield _row(("project", "builds", "rule", *COLUMNS))
    yield _row(("---", "--:", "---", *(("--:",) * len(COLUMNS))))
    for project, asked in rows.items():
        builds = str(len({row.build_id for row in asked}))
        for rule in RULES:
            yield _row((project, builds, rule, *map(_shown, figures(asked, rule))))


def figures(rows: Sequence[AskedMidway], rule: str) -> list[float]:
    """Return a rule's values of `COLUMNS`; NaN where it has none."""
    actual, said = _arrays(rows, rule)
    share = np.array([row.share for row in rows])
    return [
        mae(actual, said[:, 1]),
        *(mae(actual[share == at], said[share == at, 1]) for at in SHARES),
        median_error(actual, said[:, 1]),
        pinball(actual, said, levels=QUANTILES),
        float("nan") if rule == MEDIAN else coverage(actual, said[:, 0], said[:, 2]),
    ]


def _arrays(
    rows: Sequence[AskedMidway], rule: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    said = np.array([row.said_s[rule] for row in rows]).reshape(len(rows), 3)
    return np.array([row.actual_s for row in rows]), said


def _asked(project: str, events: Sequence[StoredEvent], newest: Examples) -> set[str]:
    numbers = set(newest.sequence[newest.project == project].tolist())
    return {e.build_id for e in events if isinstance(e, BuildQueued) and e.sequence in numbers}


def _shown(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3g}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _read(data: Path, folder: Path) -> Histories:
    with open_history(f"sqlite:///{folder / 'history.db'}") as store:
        load(store, open_source(data / SOURCE).builds(), on_progress=lambda _: None)
        projects = sorted(summary.project for summary in store.projects())
        return {project: list(store.read(project)) for project in projects}


def main() -> None:
    """Learn, ask, print, write."""
    data = Path(os.environ.get("DEVMIND_DATA", ROOT.parent / "shared" / "data"))
    if not (data / "README.md").is_file():
        typer.echo(f"Real CI data is absent: {data} does not exist; set DEVMIND_DATA.", err=True)
        raise typer.Exit(2)
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="devmind-benchmark-") as folder:
        histories = _read(data, Path(folder))
        rows = measured(histories, Learners(folder=Path(folder), now=now))
    head = _HEAD.format(date=f"{now:%Y-%m-%d}", rows=sum(map(len, rows.values())), source=SOURCE)
    lines = [*head.splitlines(), "", *table(rows)]
    print("\n".join(lines))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    typer.run(main)
