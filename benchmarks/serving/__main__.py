"""Our service beside plain FastAPI, MLflow, BentoML and MLServer: `make bench-serving`.

All serve the same models to the same load, by turns, on this machine. It prints the tables, writes
them to `benchmarks/results/serving.md` with a picture unless it is quick or leaves something out,
and says which goals are reached. Everything it needs is made at first use and kept in `var/`.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.serving import wrk
from benchmarks.serving.bodies import own_requests
from benchmarks.serving.material import ROOT, Material, prepare
from benchmarks.serving.peer_models import peer_models
from benchmarks.serving.peer_servers import Peers
from benchmarks.serving.picture import draw
from benchmarks.serving.plan import BUDGET_S, CONCURRENCIES, QUICK_CONCURRENCIES, Endpoint, Plan
from benchmarks.serving.results import Results, to_json
from benchmarks.serving.runner import (
    PEERS,
    SERVERS,
    Entry,
    Watching,
    measure_all,
    own_entries,
    peer_entries,
)
from benchmarks.serving.tables import goal_table, markdown

RESULT = ROOT / "benchmarks" / "results" / "serving.md"
CACHE = ROOT / "var" / "bench-serving"
_QUICK_S, _QUICK_BUDGET_S = 2.0, 6 * 60.0
_Names = Callable[[str], None]


def main(  # noqa: PLR0913 - one argument an option
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="One repetition, 2 s a point, 1 and 32 clients.")
    ] = False,
    only: Annotated[
        str, typer.Option(help=f"Servers, by commas: {', '.join(SERVERS)}.")
    ] = ",".join(SERVERS),
    endpoints: Annotated[str, typer.Option(help=f"By commas: {', '.join(Endpoint)}.")] = ",".join(
        Endpoint
    ),
    seconds: Annotated[float | None, typer.Option(min=1, help="Of a point.")] = None,
    repetitions: Annotated[int | None, typer.Option(min=1, help="How often.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Where to write everything as JSON.")
    ] = None,
    prepare_only: Annotated[
        bool, typer.Option("--prepare", help="Only make history, models and environments.")
    ] = False,
) -> None:
    """Measure, print the tables and write them down."""
    plan = Plan(
        servers=_among(only, SERVERS, "server"),
        endpoints=tuple(Endpoint(n) for n in _among(endpoints, tuple(Endpoint), "endpoint")),
        concurrencies=QUICK_CONCURRENCIES if quick else CONCURRENCIES,
        seconds=seconds or (_QUICK_S if quick else 3.0),
        repetitions=repetitions or (1 if quick else 3),
        budget_s=_QUICK_BUDGET_S if quick else BUDGET_S,
    )
    program = _program()
    results = Results(
        made_on=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        about={},
        seconds=plan.seconds,
        repetitions=plan.repetitions,
    )
    with tempfile.TemporaryDirectory(prefix="bench") as folder, _progress() as progress:
        task = progress.add_task("preparing", total=None)

        def says(text: str) -> None:
            progress.update(task, description=text[:60])

        entries = _entries(plan, prepare(CACHE, says), Path(folder), results, says)
        results.about = {entry.name: entry.about for entry in entries}
        if prepare_only:
            return
        counts = [len(plan.points(entry.name, entry.offers)) for entry in entries]
        progress.update(task, total=sum(counts) * plan.repetitions)
        watching = Watching(says=says, ends=lambda _: progress.advance(task))
        try:
            measure_all(entries, plan, program, results, watching)
        except KeyboardInterrupt:
            results.failures.append("interrupted; what was measured until then is here")
    whole = not quick and plan.servers == SERVERS and plan.endpoints == tuple(Endpoint)
    _tell(results, json_file, keep=whole)


def _entries(
    plan: Plan, material: Material, folder: Path, results: Results, says: _Names
) -> list[Entry]:
    says("writing requests")
    found = own_entries(plan.servers, material, own_requests(material, folder))
    if set(plan.servers) & set(PEERS):
        models = peer_models(material, CACHE / "material" / "peers")
        peers = Peers(models=models, cache=CACHE, folder=folder, says=says)
        found += peer_entries(plan.servers, peers, results)
    return found


def _tell(results: Results, json_file: Path | None, *, keep: bool) -> None:
    """Print the report, and keep it if it is about everything."""
    text = markdown(results)
    print(text)
    if json_file is not None:
        json_file.write_text(to_json(results))
    if keep and results.runs:
        RESULT.write_text(text)
        draw(results.figures, [RESULT.with_suffix(kind) for kind in (".svg", ".png")])
    print(goal_table(results.goals))
    if results.failures:
        typer.echo("Not all could be measured:\n" + "\n".join(results.failures), err=True)
        raise typer.Exit(1)


def _among(text: str, known: tuple[str, ...], what: str) -> tuple[str, ...]:
    named = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in named if name not in known]
    if unknown or not named:
        said = f"No such {what}: {', '.join(unknown) or 'none named'}."
        typer.echo(f"{said} There are {', '.join(known)}.", err=True)
        raise typer.Exit(2)
    return tuple(name for name in known if name in named)


def _program() -> str:
    try:
        return wrk.program()
    except wrk.NoLoadGenerator as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True))


if __name__ == "__main__":
    typer.run(main)
