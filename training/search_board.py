"""What people see of a search: a table that lives on a terminal, else a line a trial."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from training.search_trials import Trial, finished

SHOWN = 8
"""Rows of the table: the best finished trials and those that run."""
_STATES = {"running": "running", "finished": "", "stopped": "stopped early", "failed": "failed"}

Tell = Callable[[str], None]
"""Told in a few words how far the search is; may raise to end it."""


class Board:
    """A context that shows the trials of one search.

    Args:
        console: Where people look.
        trials: How many there are to be.
        folds: That a finished trial was measured on.
        tell: Told whenever the number of trials or the best loss has changed.
    """

    def __init__(self, console: Console, *, trials: int, folds: int, tell: Tell) -> None:
        self._console, self._trials, self._folds, self._tell = console, trials, folds, tell
        self._live = Live(console=console, transient=True, refresh_per_second=4)
        self._said, self._printed = "", set[int]()
        self._ended: BaseException | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    @property
    def ended(self) -> BaseException | None:
        """What `tell` raised, if it wants the search to end."""
        return self._ended

    def show(self, trials: Sequence[Trial]) -> None:
        """Show *trials*; never raises."""
        if self._console.is_terminal:
            self._live.update(table(trials, self._trials, self._folds))
        else:
            self._print(trials)
        said = in_words(trials, self._trials)
        if said != self._said:
            self._said = said
            self.say(said)

    def say(self, words: str) -> None:
        """Tell how far the search is, in *words*; never raises."""
        try:
            self._tell(words)
        except BaseException as error:  # noqa: BLE001 - raised again where the search has ended
            self._ended = error

    def again(self) -> None:
        """Tell once more what was told last, so that who wants the search to end can say so."""
        if self._said:
            self.say(self._said)

    def _print(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            if trial.state != "running" and trial.number not in self._printed:
                self._printed.add(trial.number)
                self._console.print(line(trial, self._trials), highlight=False, soft_wrap=True)


def in_words(trials: Sequence[Trial], planned: int) -> str:
    """Return how far a search is.

    Example:
        >>> in_words([], 30)
        'search 0/30 trials'
    """
    ended = sum(trial.state != "running" for trial in trials)
    best = min((trial.loss for trial in finished(trials)), default=None)
    said = f"search {ended}/{planned} trials"
    return said if best is None else f"{said}, best {best:.4g}"


def line(trial: Trial, planned: int) -> str:
    """Return what became of *trial* as one line."""
    loss = f"loss {trial.loss:.4g}" if trial.losses else "no loss"
    said = _STATES[trial.state]
    name = "the default" if trial.default else knobs(trial)
    return f"  trial {trial.number}/{planned} {loss}{f' ({said})' if said else ''}: {name}"


def knobs(trial: Trial) -> str:
    """Return the knobs of *trial*, rounded for reading."""
    return " ".join(f"{name}={shown(value)}" for name, value in trial.values.items())


def shown(value: float | str) -> str:
    """Return a knob's value for reading.

    Example:
        >>> shown(0.000123456), shown(128), shown("128-64")
        ('0.00012', '128', '128-64')
    """
    return f"{value:.2g}" if isinstance(value, float) else str(value)


def table(trials: Sequence[Trial], planned: int, folds: int) -> Table:
    """Return the best and the running trials as a table, best first."""
    best = sorted(finished(trials), key=lambda trial: trial.loss)
    running = [trial for trial in trials if trial.state == "running"]
    laid = Table(title=in_words(trials, planned), title_justify="left", box=None, pad_edge=False)
    names = list(dict.fromkeys(name for trial in trials for name in trial.values))
    for name in ("trial", "loss", "folds"):
        laid.add_column(name, justify="right")
    for name in names:
        laid.add_column(name, justify="right", overflow="fold")
    for trial in [*best[: max(1, SHOWN - len(running))], *running]:
        style = "bold" if best and trial is best[0] else "dim" if trial in running else ""
        laid.add_row(
            f"{trial.number}{' (default)' if trial.default else ''}",
            f"{trial.loss:.4f}" if trial.losses else "",
            f"{len(trial.losses)}/{folds}",
            *(shown(trial.values[name]) if name in trial.values else "" for name in names),
            style=style,
        )
    return laid
