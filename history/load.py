"""Load a finished history, in the order in which it happened; loading it again adds nothing.

`python -m history.load PATH` reads a file, a folder or a repository with the readers of
`devmind.readers`. Exit codes: 0 loaded (records that could not be used are listed), 2 wrong
usage, 3 the source or the database cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Protocol

import typer

from devmind.ci import BuildId, FinishedBuild
from devmind.errors import ContradictingRepeat, DevMindError, InvalidInput, NotFound
from devmind.events import Event, Finished, Queued, Reported, in_order_of_time
from history.events import Receipt

_PROJECT_BATCH = 20_000
_ALL_BATCHES = 200_000
_EVENT_WEIGHT = 40
EXIT_UNUSABLE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadProgress:
    """How far a load is: builds done, builds in all if known, builds that were there before."""

    done: int = 0
    total: int | None = None
    repeated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedBuild:
    """A build that could not be recorded (wholly), and why."""

    build_id: BuildId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What a load did: builds seen, those of them that were there before, those left out."""

    builds: int
    repeated: int
    skipped: tuple[SkippedBuild, ...]


class AppendsEvents(Protocol):
    """The part of `HistoryStore` that a load needs."""

    def append(self, project: str, events: Sequence[Event]) -> list[Receipt]:
        """As `HistoryStore.append`."""
        ...


def load(
    store: AppendsEvents,
    builds: Iterable[FinishedBuild],
    *,
    on_progress: Callable[[LoadProgress], None],
    total: int | None = None,
) -> LoadResult:
    """Record *builds* of any projects, as a live service would have learned of them.

    A build that the history refuses is left out with the reason; the others are recorded.

    Args:
        store: Where to.
        builds: Sorted by `queued_at`.
        on_progress: Told after every batch.
        total: How many builds there are, if that is known.

    Raises:
        InvalidInput: If *builds* are not sorted by `queued_at`.
        HistoryUnavailable: If the database does not answer; load again to go on.
    """
    loading = _Loading(store, on_progress, LoadProgress(total=total))
    for event in in_order_of_time(builds):
        loading.add(event)
    return loading.finish()


class _Loading:
    """Collects events into batches, one project each, and appends them."""

    def __init__(
        self,
        store: AppendsEvents,
        on_progress: Callable[[LoadProgress], None],
        progress: LoadProgress,
    ) -> None:
        self._store = store
        self._on_progress = on_progress
        self._progress = progress
        self._batches: dict[str, list[Event]] = {}
        self._weights: dict[str, int] = {}
        self._project_of: dict[BuildId, str] = {}
        self._skipped: dict[BuildId, str] = {}

    def add(self, event: Event) -> None:
        project = self._project(event)
        self._batches.setdefault(project, []).append(event)
        runs = len(event.report.runs) if isinstance(event, Reported) else 0
        self._weights[project] = self._weights.get(project, 0) + _EVENT_WEIGHT + runs
        if self._weights[project] > _PROJECT_BATCH:
            self._flush(project)
        elif sum(self._weights.values()) > _ALL_BATCHES:
            self._flush(max(self._weights, key=lambda name: self._weights[name]))

    def finish(self) -> LoadResult:
        for project in list(self._batches):
            self._flush(project)
        self._on_progress(self._progress)
        skipped = (SkippedBuild(build_id=b, reason=why) for b, why in self._skipped.items())
        return LoadResult(
            builds=self._progress.done,
            repeated=self._progress.repeated,
            skipped=tuple(skipped),
        )

    def _project(self, event: Event) -> str:
        if isinstance(event, Queued):
            self._project_of[event.build_id] = event.build.project
            return event.build.project
        if isinstance(event, Finished):
            return self._project_of.pop(event.build_id)
        return self._project_of[event.build_id]

    def _flush(self, project: str) -> None:
        del self._weights[project]
        batch = self._batches.pop(project)
        receipts = self._append(project, batch)
        ended = [receipt for receipt in receipts if receipt.kind == "finished"]
        self._progress = replace(
            self._progress,
            done=self._progress.done + sum(isinstance(event, Finished) for event in batch),
            repeated=self._progress.repeated + sum(receipt.repeated for receipt in ended),
        )
        self._on_progress(self._progress)

    def _append(self, project: str, batch: list[Event]) -> list[Receipt]:
        """Append *batch*; when it is refused, find the builds that are to blame by halving it."""
        usable = [event for event in batch if event.build_id not in self._skipped]
        try:
            return self._store.append(project, usable)
        except (ContradictingRepeat, InvalidInput, NotFound) as error:
            if len(usable) == 1:
                self._skipped[usable[0].build_id] = str(error)
                return []
        middle = len(usable) // 2
        first = self._append(project, usable[:middle])
        return first + self._append(project, usable[middle:])


def main(
    path: Annotated[Path, typer.Argument(help="File, folder or repository to read.")],
    kind: Annotated[str | None, typer.Option(help="Its kind, if it is not to be guessed.")] = None,
    project: Annotated[str | None, typer.Option(help="Project, if the source names none.")] = None,
    database_url: Annotated[str | None, typer.Option(help="By default DATABASE_URL.")] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Progress as JSON lines.")] = False,
) -> None:
    """Load a finished CI history into the database; loading it again adds nothing."""
    from devmind.readers import open_source  # noqa: PLC0415 - only the command reads sources
    from devmind.settings import ServerSettings  # noqa: PLC0415 - as above
    from history.load_display import display  # noqa: PLC0415 - as above
    from history.open import open_history  # noqa: PLC0415 - as above

    try:
        source = open_source(path, kind=kind, project=project)
        with (
            open_history(database_url or ServerSettings().database) as store,
            display(json=json) as shown,
        ):
            result = load(store, source.builds(), on_progress=shown.progress, total=source.estimate)
            left_out = [f"{one.record}: {one.reason}" for one in source.skipped]
            left_out += (f"{one.build_id}: {one.reason}" for one in result.skipped)
            shown.summary(result, left_out)
    except DevMindError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_UNUSABLE) from None


if __name__ == "__main__":
    typer.run(main)
