"""What `python -m history.load` shows: a progress bar for people, JSON lines for programs."""

from __future__ import annotations

import json as json_text
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from history.load import LoadProgress, LoadResult

_SHOWN = 10
_LINE_EVERY_S = 0.5


class Display(Protocol):
    """Shows how a load goes and what came of it."""

    def progress(self, progress: LoadProgress) -> None:
        """Show how far it is."""
        ...

    def summary(self, result: LoadResult, left_out: Sequence[str]) -> None:
        """Show what came of it, and the records that were left out."""
        ...


@contextmanager
def display(*, json: bool) -> Iterator[Display]:
    """Give the display: JSON lines on stdout, or a bar on stderr (if it is a terminal)."""
    if json:
        yield JsonLines()
        return
    columns = (TextColumn("builds"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        bar.disable = not bar.console.is_terminal
        yield _Bar(bar)


class JsonLines:
    """One object a line: `done`, `total` (null if unknown), `repeated`; the last adds `skipped`."""

    def __init__(self) -> None:
        self._next_at = time.monotonic()

    def progress(self, progress: LoadProgress) -> None:
        """Print a line, at most two a second."""
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + _LINE_EVERY_S
            _print(done=progress.done, total=progress.total, repeated=progress.repeated)

    def summary(self, result: LoadResult, left_out: Sequence[str]) -> None:
        """Print the last line."""
        _print(
            done=result.builds,
            total=result.builds,
            repeated=result.repeated,
            skipped=len(left_out),
            reasons=list(left_out[:_SHOWN]),
        )


class _Bar:
    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("builds", total=None)

    def progress(self, progress: LoadProgress) -> None:
        self._bar.update(self._task, completed=progress.done, total=progress.total)

    def summary(self, result: LoadResult, left_out: Sequence[str]) -> None:
        self._bar.stop()
        new = result.builds - result.repeated - len(result.skipped)
        console = Console(highlight=False, markup=False, soft_wrap=True)
        console.print(
            f"{result.builds:,} builds: {new:,} new, {result.repeated:,} recorded before;"
            f" {len(left_out):,} records left out."
        )
        for line in left_out[:_SHOWN]:
            console.print(f"  left out: {line}")
        if len(left_out) > _SHOWN:
            console.print(f"  and {len(left_out) - _SHOWN:,} more")


def _print(**fields: object) -> None:
    print(json_text.dumps(fields), flush=True)  # noqa: T201 - this is the program's output
