"""Charts as plain numbers: what is drawn, and what a reader of the report can draw anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from models.scorecard import NOISE_BELOW


class Role(StrEnum):
    """What a line stands for; it decides how the line looks."""

    MODEL = "model"
    RULE = "rule"
    RANDOM = "random"
    NOMINAL = "nominal"
    BOUND = "bound"
    TARGETS = "targets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Points to join, or to mark.

    Attributes:
        label: In the legend; empty to leave it out.
        role: What it stands for.
        x: Along.
        y: Up; as many.
        names: What to write beside each point, of targets.
        spread: Standard error of each y, drawn as a bar; empty for none.
    """

    label: str
    role: Role
    x: tuple[float, ...]
    y: tuple[float, ...]
    names: tuple[str, ...] = ()
    spread: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One project's part of a chart.

    Attributes:
        title: The project and what it rests on.
        lines: Drawn in this order.
        bars: (left, right, height) of a histogram behind the lines.
        bars_label: What the bars show.
    """

    title: str
    lines: tuple[Line, ...]
    bars: tuple[tuple[float, float, float], ...] = ()
    bars_label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A picture of one or more projects.

    Attributes:
        name: Stem of its file.
        title: What it shows.
        x_label: With the unit.
        y_label: With the unit.
        panels: One a project.
        x_percent: Whether x is a share from 0 to 1, written in percent.
        y_percent: Likewise for y.
        y_low: Lowest y to show; `None` for what the lines need.
        y_high: Highest y to show.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    panels: tuple[Panel, ...]
    x_percent: bool = False
    y_percent: bool = False
    y_low: float | None = 0.0
    y_high: float | None = None


def line(label: str, role: Role, x: ArrayLike, y: ArrayLike, names: Iterable[str] = ()) -> Line:
    """Return a line of plain numbers, without points that are undefined."""
    along, up = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    known = np.isfinite(along) & np.isfinite(up)
    return Line(
        label=label,
        role=role,
        x=tuple(along[known].tolist()),
        y=tuple(up[known].tolist()),
        names=tuple(name for name, seen in zip(names, known, strict=False) if seen),
    )


def rolling_mean(values: ArrayLike, *, window: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Mean of each run of *window* values; empty when there are fewer.

    Example:
        >>> rolling_mean([1.0, 2.0, 6.0], window=2).tolist()
        [1.5, 4.0]
    """
    sums = np.cumsum(np.concatenate([[0.0], np.asarray(values, dtype=np.float64)]))
    return np.asarray((sums[window:] - sums[:-window]) / window if window < len(sums) else sums[:0])


def noise(positives: int) -> str:
    """Return the mark of a panel that rests on too few failing builds."""
    return " (noise)" if positives < NOISE_BELOW else ""
