"""What came of the trials of a search, and which of them wins. Pure."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from training.search_spaces import Value

TrialState = Literal["running", "finished", "stopped", "failed"]
"""`stopped` means before its last fold: it did badly on the first ones, or time was over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One configuration and what it cost.

    Attributes:
        number: From 1, in the order of proposal.
        values: The knobs.
        losses: On each fold it was carried through, oldest fold first; lower is better.
        state: How it ended.
        seconds: It took.
        default: Whether it is the configuration that is used without a search.
    """

    number: int
    values: dict[str, Value]
    losses: tuple[float, ...]
    state: TrialState
    seconds: float
    default: bool

    @property
    def loss(self) -> float:
        """The mean of its losses; NaN without any."""
        return float(np.mean(self.losses)) if self.losses else math.nan


def finished(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that were measured on all folds."""
    return [t for t in trials if t.state == "finished" and math.isfinite(t.loss)]


def winner(trials: Sequence[Trial]) -> Trial | None:
    """Return the trial whose knobs are to be used.

    The best one, if it beats the default by more than one standard error of the difference over
    the folds; else the default. Of many trials the best always looks better than it is.

    Returns:
        `None` if the default was not measured on all folds, so that nothing can be said.
    """
    measured = finished(trials)
    default = next((trial for trial in measured if trial.default), None)
    if default is None:
        return None
    best = min(measured, key=lambda trial: (trial.loss, trial.number))
    return best if _gain(best, default) > 0 else default


def _gain(trial: Trial, default: Trial) -> float:
    """Return by how much *trial* costs less than *default*, after what chance may do."""
    gains = np.subtract(default.losses, trial.losses)
    noise = float(np.std(gains, ddof=1)) / math.sqrt(len(gains)) if len(gains) > 1 else 0.0
    return float(np.mean(gains)) - noise


def running_best(trials: Sequence[Trial]) -> list[tuple[int, float]]:
    """Return (number, best loss so far) for each trial that was measured on all folds."""
    best, path = math.inf, []
    for trial in sorted(finished(trials), key=lambda each: each.number):
        best = min(best, trial.loss)
        path.append((trial.number, best))
    return path


def as_table(trials: Sequence[Trial]) -> str:
    """Return the trials as CSV, one a line, a column each knob and each fold."""
    knobs = list(dict.fromkeys(name for trial in trials for name in trial.values))
    folds = max((len(trial.losses) for trial in trials), default=0)
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    said = ["number", "state", "default", "loss", "seconds"]
    rows.writerow([*said, *(f"loss_fold_{i + 1}" for i in range(folds)), *knobs])
    for trial in trials:
        losses = [*trial.losses, *[""] * (folds - len(trial.losses))]
        mean = trial.loss if trial.losses else ""
        own = [trial.number, trial.state, trial.default, mean, round(trial.seconds, 2)]
        rows.writerow([*own, *losses, *(trial.values.get(name, "") for name in knobs)])
    return written.getvalue()


def trials_json(trials: Sequence[Trial]) -> str:
    """Return the trials as JSON."""
    return json.dumps([asdict(trial) for trial in trials], indent=1, allow_nan=False)
