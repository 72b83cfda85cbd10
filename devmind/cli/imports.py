"""`devmind import`: sends a CI history to the service."""

# ruff: noqa: PLC0415, PLR0913
# Imports stand where they are needed, so that `devmind --help` is quick; options are arguments.

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devmind.cli import options, say

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from devmind.ci import FinishedBuild
    from devmind.client import Client
    from devmind.events import Event
    from devmind.readers import Source


@dataclass(kw_only=True)
class Totals:
    """What came of an import.

    Attributes:
        kind: How the source was read.
        builds: Builds read from it.
        recorded: Events that are new in the history.
        repeated: Events that were there before.
        projects: What they belong to.
        skipped: Why records were left out -> how many.
        refused: Builds that the service refused, at least in part.
    """

    kind: str
    builds: int = 0
    recorded: int = 0
    repeated: int = 0
    projects: set[str] = field(default_factory=set)
    skipped: Counter[str] = field(default_factory=Counter)
    refused: set[str] = field(default_factory=set)

    def as_json(self) -> dict[str, object]:
        """Return the totals as JSON fields."""
        return asdict(self) | {
            "projects": sorted(self.projects),
            "skipped": dict(self.skipped),
            "refused": sorted(self.refused),
        }


def import_history(
    path: Annotated[Path, typer.Argument(help="A file or folder with CI history.")],
    *,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            help="One of github, github-steps, ghaminer, verdicts, lrts, lrts-stages, tekton,"
            " git; found out by default.",
        ),
    ] = None,
    project: Annotated[
        str | None, typer.Option("--project", help="Project, where the files do not name it.")
    ] = None,
    batch: Annotated[
        int, typer.Option("--batch", min=1, max=2000, help="Events sent at once.")
    ] = 200,
    url: options.Url = None,
    api_key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Import a CI history. Importing twice adds nothing.

    Builds are sent in order of time, each as what happened: queued, tests, finished.

    For example:

        devmind import exported-runs/
        devmind import verdicts.csv --kind verdicts --project shop/web --json
    """
    from devmind.cli.connect import connect
    from devmind.readers import open_source

    source = open_source(path, kind=kind, project=project)
    totals = Totals(kind=source.kind)
    with connect(url, api_key_file) as client:
        _send(source, client, totals, batch=batch)
    totals.skipped.update(skipped.reason for skipped in source.skipped)
    if as_json:
        say.as_json(totals.as_json())
    else:
        _tell(totals)


def _send(source: Source, client: Client, totals: Totals, *, batch: int) -> None:
    from rich.progress import Progress

    from devmind.client.batches import by_project
    from devmind.events import in_order_of_time

    with Progress(console=say.console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"importing {source.kind}", total=source.estimate)
        builds = _counted(source.builds(), totals, progress, task)
        for project, events in by_project(in_order_of_time(builds), size=batch):
            totals.projects.add(project)
            _record(client, project, events, totals)


def _record(client: Client, project: str, events: list[Event], totals: Totals) -> None:
    """Send *events*; when they are refused, find the builds that are to blame by halving."""
    from devmind.errors import ContradictingRepeat, InvalidInput, NotFound

    usable = [event for event in events if event.build_id not in totals.refused]
    if not usable:
        return
    try:
        receipt = client.record_events(project, usable)
    except (ContradictingRepeat, InvalidInput, NotFound) as error:
        if len(usable) == 1:
            totals.refused.add(usable[0].build_id)
            totals.skipped[f"refused: {error}"] += 1
            return
        middle = len(usable) // 2
        _record(client, project, usable[:middle], totals)
        _record(client, project, usable[middle:], totals)
    else:
        totals.recorded += receipt.recorded
        totals.repeated += receipt.repeated


def _counted(
    builds: Iterator[FinishedBuild], totals: Totals, progress: Progress, task: TaskID
) -> Iterator[FinishedBuild]:
    for build in builds:
        totals.builds += 1
        progress.advance(task)
        yield build


def _tell(totals: Totals) -> None:
    say.line(
        f"{totals.builds} builds of {len(totals.projects)} project(s), read as {totals.kind}: "
        f"{totals.recorded} events recorded, {totals.repeated} known before, "
        f"{totals.skipped.total()} records skipped"
    )
    for reason, count in totals.skipped.most_common():
        say.line(f"  {count:>7}  {reason}")
