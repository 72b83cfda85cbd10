"""`python -m benchmarks.accuracy`: the product's models on real CI history, in order of time.

Replays the sets that `DEVMIND_DATA` holds with the product's own readers, history, features and
recipes, and prints our models beside simple rules and published numbers, with bootstrap
intervals. Writes `report.md`, `metrics.csv`, `comparisons.csv` and pictures to
`benchmarks/results/accuracy/`.
"""

from __future__ import annotations

import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.accuracy.sets import SETS, Bench
from evaluation.learners import Learners
from evaluation.replayed import Replayed
from evaluation.report import report_of
from evaluation.tables import on_terminal
from evaluation.written import write

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "accuracy"
NOTES = (
    (
        "`make bench-accuracy`. *Causal*: a build knows only what had finished before it was "
        "queued, as in the product. *As published*: the columns and lags of the publication, which "
        "look at runs that had not finished; no service could answer so."
    ),
    (
        "Models, thresholds, calibration and the number of rounds come from builds older than "
        "those scored; nothing was chosen on them."
    ),
    (
        "Rules ending in `fair` rank a test never seen at the average failure rate; without, as "
        "in print, as one that never failed."
    ),
)


def main(
    *,
    only: Annotated[
        list[str] | None, typer.Option(help=f"Some of: {', '.join(SETS)}. All by default.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where the results go.")] = RESULTS,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
) -> None:
    """Replay, measure, print and write."""
    data = Path(os.environ.get("DEVMIND_DATA", ROOT.parent / "shared" / "data"))
    if not (data / "README.md").is_file():
        typer.echo(f"Real CI data is absent: {data} does not exist; set DEVMIND_DATA.", err=True)
        raise typer.Exit(2)
    unknown = sorted(set(only or ()) - set(SETS))
    if unknown:
        typer.echo(f"No such set: {', '.join(unknown)}. There are {', '.join(SETS)}.", err=True)
        raise typer.Exit(2)
    console, now = Console(), datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="devmind-accuracy-") as scratch:
        learners = Learners(folder=Path(scratch) / "fits", now=now, seed=seed)
        bench = Bench(data=data, scratch=Path(scratch), learners=learners)
        replayed: list[Replayed] = []
        for name in only or SETS:
            begin = time.perf_counter()
            replayed += SETS[name](bench)
            console.print(f"replayed {name} in {time.perf_counter() - begin:.0f} s")
    report = report_of(
        replayed,
        title="Accuracy on real CI history",
        made_on=now.date(),
        seed=seed,
        notes=NOTES,
    )
    for part in on_terminal(report):
        console.print(part)
    for path in write(folder, report):
        console.print(f"wrote {path}")


if __name__ == "__main__":
    typer.run(main)
