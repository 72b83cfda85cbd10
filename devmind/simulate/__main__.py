"""`python -m devmind.simulate FOLDER`: write the history of a simulated company."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from devmind.errors import DevMindError
from devmind.simulate.truth import Company
from devmind.simulate.write import WriteProgress, write_company

app = typer.Typer(add_completion=False, rich_markup_mode="markdown")

_START = datetime(2025, 1, 6)  # noqa: DTZ001 - taken for UTC like a date given by the user


@app.command(epilog="Example: `python -m devmind.simulate var/simulated --seed 7 --projects 3`")
def simulate(
    folder: Annotated[
        Path, typer.Argument(help="Where to write; must be empty or not exist.", show_default=False)
    ],
    seed: Annotated[
        int, typer.Option(help="The same seed gives the same company, byte for byte.")
    ] = 1,
    projects: Annotated[int, typer.Option(min=1, help="How many projects.")] = 3,
    builds: Annotated[int, typer.Option(min=1, help="How many builds each project has.")] = 400,
    start: Annotated[
        datetime,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="When the histories begin, UTC; 400 builds take about eight weeks.",
        ),
    ] = _START,
) -> None:
    """Write the CI history of a **simulated** company, to try DevMind without one of your own.

    It becomes a folder per project with GitHub's REST payloads (`runs/`, `jobs/`, `changes/`) and
    JUnit XML (`junit/`), which `devmind import FOLDER` reads as it reads real ones. About one
    build in five fails: authors, files and changes differ in risk, tests cover files, some
    tests are flaky, machines fail, caches miss, and a step slows down from the middle on.
    """
    console = Console(stderr=True)
    try:
        with _progress(console) as progress:
            task = progress.add_task("simulating", total=projects * builds)
            company = write_company(
                folder,
                seed=seed,
                projects=projects,
                builds=builds,
                start=start.replace(tzinfo=UTC),
                on_progress=lambda state: _show(progress, task, state),
            )
    except DevMindError as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
    Console().print(_table(company))


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), console=console)


def _show(progress: Progress, task: TaskID, state: WriteProgress) -> None:
    progress.update(task, description=state.project, completed=state.done)


def _table(company: Company) -> Table:
    table = Table("project", "builds", "failed", "tests", "from", "to")
    for one in company.written:
        first, last = one.first_queued_at.date(), one.last_queued_at.date()
        counts = (str(one.builds), str(one.failed), str(one.tests))
        table.add_row(one.project, *counts, first.isoformat(), last.isoformat())
    return table


if __name__ == "__main__":
    app(prog_name="python -m devmind.simulate")
