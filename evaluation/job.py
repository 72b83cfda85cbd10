"""`python -m evaluation.job`: what would have happened had DevMind been on for the last builds.

Reads a recorded history (or loads one from files first), replays it, learns the models anew as
days go by, and prints how they would have done; nothing is switched on or changed. Exit codes:
0 evaluated, 1 an unexpected failure, 2 wrong usage or too little history.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from devmind.errors import DevMindError
from devmind.readers import open_source
from devmind.settings import ServerSettings
from evaluation.histories import projects_of
from evaluation.learners import Learners
from evaluation.own_history import Wanted, evaluate
from evaluation.report import Report, report_of, to_json
from evaluation.tables import on_terminal
from evaluation.written import write
from history.load import load
from history.open import open_history
from history.store import HistoryStore

EXIT_IMPOSSIBLE = 2
METHOD = (
    "Every build is predicted from what had finished before it was queued; models are learned "
    "anew along the way, calibrated and tuned on builds older than those they predict."
)


def main(  # noqa: PLR0913 - the options of a command
    *,
    project: Annotated[str, typer.Option(help="By default all that are recorded.")] = "",
    last: Annotated[
        int, typer.Option(min=0, help="How many of the newest builds to ask for; 0: about a third.")
    ] = 0,
    history: Annotated[
        Path | None, typer.Option(help="Exported runs, as for `devmind import`; nothing is kept.")
    ] = None,
    database_url: Annotated[
        str, typer.Option(help="History to read; by default the service's.")
    ] = "",
    folder: Annotated[
        Path | None, typer.Option(help="For the report, the tables and the pictures.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    refits: Annotated[
        int, typer.Option(min=1, help="How often the build models are learned anew.")
    ] = 4,
) -> None:
    """Replay a history and print what DevMind would have said, beside what happened."""
    said = Console(stderr=True)
    try:
        with tempfile.TemporaryDirectory(prefix="devmind-evaluate-") as scratch:
            url = database_url or ServerSettings().database
            if history is not None:
                url = f"sqlite:///{scratch}/history.db"
            learners = Learners(folder=Path(scratch) / "fits", now=datetime.now(UTC), seed=seed)
            with _opened(url, history) as store:
                wanted = Wanted(
                    projects=projects_of(store, project),
                    all_projects=projects_of(store),
                    last=last,
                    refits=refits,
                )
                report = _evaluated(store, wanted, learners, said)
        written = write(folder, report) if folder is not None else []
    except DevMindError as error:
        said.print(str(error), style="red", markup=False, highlight=False)
        raise typer.Exit(EXIT_IMPOSSIBLE) from None
    if as_json:
        sys.stdout.write(to_json(report).decode() + "\n")
    else:
        for part in on_terminal(report):
            Console().print(part)
    for path in written:
        said.print(f"wrote {path}", highlight=False)


@contextmanager
def _opened(url: str, exported: Path | None) -> Iterator[HistoryStore]:
    with open_history(url, migrate=exported is not None) as store:
        if exported is not None:
            source = open_source(exported)
            load(store, source.builds(), on_progress=lambda _: None, total=source.estimate)
        yield store


def _evaluated(store: HistoryStore, wanted: Wanted, learners: Learners, said: Console) -> Report:
    with _steps(said) as on_step:
        found, notes = evaluate(store, wanted, learners, on_step)
        on_step("measuring", 0, 1)
        return report_of(
            [found],
            title=f"{found.data}: had DevMind been on",
            made_on=learners.now.date(),
            seed=learners.seed,
            notes=(METHOD, *notes),
        )


class _Steps:
    """A bar for each step on a terminal; a line for each in a log."""

    def __init__(self, bar: Progress, console: Console) -> None:
        self._bar, self._console = bar, console
        self._step, self._task = "", bar.add_task("starting", total=1)

    def __call__(self, step: str, done: int, total: int) -> None:
        if step != self._step:
            self._step = step
            if not self._console.is_terminal:
                self._console.print(step, highlight=False)
        self._bar.update(self._task, description=step, completed=done, total=total)


@contextmanager
def _steps(console: Console) -> Iterator[_Steps]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        yield _Steps(bar, console)


if __name__ == "__main__":
    typer.run(main)
