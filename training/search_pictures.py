"""Pictures of a search: how it went, which knobs mattered, which values did well."""

# ruff: noqa: PLC0415
# matplotlib and Optuna are imported where they draw: a search without pictures needs neither.

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.search_board import shown
from training.search_spaces import Knob, Value
from training.search_trials import Trial, finished, running_best, winner

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS_PER_INCH = 110
NEEDED = 8
"""Finished trials below which nothing can be said of the importance of knobs."""
MANY = 20
"""Finished trials beyond which only the best third stands out."""
_BLUE, _RED, _ORANGE, _GREY = "#0b4f9c", "#c1121f", "#d95f02", "#9aa3ad"
_MAP = "viridis"


def draw_all(
    folder: Path, trials: Sequence[Trial], space: Sequence[Knob], *, title: str, loss: str
) -> list[Path]:
    """Draw what a search has found.

    Args:
        folder: Where to; it exists.
        trials: All of them.
        space: The knobs that were varied.
        title: The model and its data, over every picture.
        loss: What the loss is, with its unit.

    Returns:
        The PNG files; none if no trial was carried through.
    """
    if not finished(trials):
        return []
    drawn = []
    pictures: Mapping[str, Callable[[Figure], None]] = {
        "history": lambda figure: _history(figure, trials, loss),
        "importance": lambda figure: _importance(figure, trials, space),
        "parallel": lambda figure: _parallel(figure, trials, space, loss),
    }
    for name, draw in pictures.items():
        path = folder / f"search_{name}.png"
        _saved(path, draw, title, wide=name == "parallel")
        drawn.append(path)
    return drawn


def _saved(path: Path, draw: Callable[[Figure], None], title: str, *, wide: bool) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Drawn

    figure = Drawn(figsize=(11.0 if wide else 8.0, 5.0), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    draw(figure)
    figure.savefig(path, dpi=DOTS_PER_INCH, metadata={"Software": None})


def _history(figure: Figure, trials: Sequence[Trial], loss: str) -> None:
    axes = figure.subplots()
    done = finished(trials)
    low, high = _visible([trial.loss for trial in done])
    early = [t for t in trials if t.state != "finished" and t.losses]
    _dots(axes, early, (low, high), color=_GREY, marker="x", label="stopped before its last fold")
    _dots(axes, done, (low, high), color=_BLUE, marker="o", label="measured on all folds")
    path = running_best(trials)
    numbers, best = [n for n, _ in path], [b for _, b in path]
    last = max(trial.number for trial in trials)
    axes.step([*numbers, last], [*best, best[-1]], where="post", color=_BLUE, label="best so far")
    default = next((trial for trial in done if trial.default), None)
    if default:
        axes.axhline(default.loss, color=_ORANGE, linestyle="--", linewidth=1.0, zorder=1)
        axes.plot(
            default.number, default.loss, "D", color=_ORANGE, markersize=8, label="the default"
        )
    taken = winner(trials)
    if taken:
        _ring(axes, taken)
    axes.set_ylim(low, high)
    axes.set_xlim(0, last + 1)
    _frame(axes, "trial, in the order of proposal", loss)
    axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.11), ncols=5)


def _ring(axes: Axes, taken: Trial) -> None:
    ring: dict[str, Any] = {"markersize": 14, "markerfacecolor": "none", "markeredgewidth": 1.8}
    axes.plot(
        taken.number, taken.loss, "o", color=_RED, linestyle="none", label="what is used", **ring
    )


def _dots(axes: Axes, some: Sequence[Trial], within: tuple[float, float], **looks: Any) -> None:
    """Mark trials; those far worse than the rest stand at the upper edge."""
    top = within[1] - 0.02 * (within[1] - within[0])
    axes.plot(
        [trial.number for trial in some],
        [min(trial.loss, top) for trial in some],
        linestyle="none",
        markersize=5,
        **looks,
    )


def _visible(losses: Sequence[float]) -> tuple[float, float]:
    """Return what to show of the losses: the best, and up to twice as far as the middle is."""
    low, middle = min(losses), float(np.median(losses))
    high = min(max(losses), middle + 2 * (middle - low)) if len(losses) > NEEDED else max(losses)
    room = max(high - low, 1e-3 * abs(low), 1e-9)
    return low - 0.08 * room, high + 0.08 * room


def _importance(figure: Figure, trials: Sequence[Trial], space: Sequence[Knob]) -> None:
    from matplotlib.ticker import PercentFormatter

    axes = figure.subplots()
    found = importances(trials, space)
    if not found:
        said = f"{len(finished(trials))} finished trials are too few to say which knobs matter"
        axes.text(0.5, 0.5, said, ha="center", va="center", fontsize=11, color="#555555")
        axes.set_axis_off()
        return
    names = sorted(found, key=lambda name: found[name])
    bars = axes.barh(names, [found[name] for name in names], color=_BLUE, height=0.65)
    axes.bar_label(bars, fmt=lambda share: f"{share:.0%}", padding=4, fontsize=9)
    axes.set_xlim(0, max(found.values()) * 1.15 + 1e-9)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.tick_params(labelsize=9)
    counted = f"of {len(finished(trials))} finished trials"
    _frame(axes, f"share of the variance of the loss, {counted} (fANOVA)", "")


def importances(trials: Sequence[Trial], space: Sequence[Knob]) -> dict[str, float]:
    """Return each knob's share of the variance of the loss; empty if too little is known.

    References:
        F. Hutter et al., "An Efficient Approach for Assessing Hyperparameter Importance", 2014.
    """
    done = finished(trials)
    if len(done) < NEEDED or len({trial.loss for trial in done}) == 1:
        return {}
    import optuna

    from training.search_distributions import distribution

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="minimize")
    kinds = {knob.name: distribution(knob) for knob in space}
    for trial in done:
        params = {knob.name: trial.values[knob.name] for knob in space}
        study.add_trial(
            optuna.trial.create_trial(params=params, distributions=kinds, value=trial.loss)
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(share) for name, share in found.items()}


def _parallel(figure: Figure, trials: Sequence[Trial], space: Sequence[Knob], loss: str) -> None:
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    axes = figure.subplots()
    done = sorted(finished(trials), key=lambda trial: -trial.loss)
    losses = np.array([trial.loss for trial in done])
    colours = Normalize(losses.min(), max(_visible(list(losses))[1], losses.min() + 1e-9))
    places = range(len(space))
    taken = winner(trials)
    for trial in done:
        heights = [height(trial.values[knob.name], knob) for knob in space]
        faint = len(done) > MANY and trial.loss > np.quantile(losses, 1 / 3)
        looks: dict[str, Any] = {"color": colormaps[_MAP](colours(trial.loss)), "zorder": 2}
        looks |= {"linewidth": 1.3, "alpha": 0.25 if faint else 0.75}
        if trial.default:
            looks |= {"color": _ORANGE, "linestyle": "--", "linewidth": 2.2, "alpha": 1.0}
            looks |= {"label": "the default", "zorder": 3}
        if trial is taken:
            looks |= {"color": _RED, "linewidth": 2.6, "alpha": 1.0, "zorder": 4}
            looks |= {"label": "what is used" + (" (the default)" if trial.default else "")}
        axes.plot(places, heights, **looks)
    _scales(axes, space)
    figure.colorbar(ScalarMappable(colours, _MAP), ax=axes, label=loss, pad=0.02)
    axes.legend(fontsize=9, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2)


def _scales(axes: Axes, space: Sequence[Knob]) -> None:
    """Draw an upright scale for each knob, with its own values."""
    for place, knob in enumerate(space):
        axes.axvline(place, color="#444444", linewidth=0.8, zorder=1)
        for at, label in _ticks(knob):
            axes.annotate(
                label,
                (place, at),
                xytext=(4, 0),
                textcoords="offset points",
                fontsize=7.5,
                va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.75},
                zorder=6,
            )
    axes.set_xticks(range(len(space)), [f"{k.name}{' (log)' if k.log else ''}" for k in space])
    axes.tick_params(labelsize=8.5, length=0)
    axes.set_xlim(-0.1, len(space) - 0.5)
    axes.set_yticks([])
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)


def height(value: Value, knob: Knob) -> float:
    """Return where *value* lies between the ends of *knob*, from 0 to 1."""
    if knob.choices:
        return knob.choices.index(str(value)) / max(len(knob.choices) - 1, 1)
    ends: NDArray[np.float64] = np.array([knob.low, float(value), knob.high])
    low, at, high = np.log(ends) if knob.log else ends
    return float((at - low) / (high - low))


def _ticks(knob: Knob) -> list[tuple[float, str]]:
    if knob.choices:
        return [(height(choice, knob), choice) for choice in knob.choices]
    middle = (knob.low * knob.high) ** 0.5 if knob.log else (knob.low + knob.high) / 2
    values: list[float] = [knob.low, middle, knob.high]
    rounded = [round(v) if knob.whole else v for v in values]
    return [(height(v, knob), shown(v)) for v in rounded]


def _frame(axes: Axes, x_label: str, y_label: str) -> None:
    axes.set_xlabel(x_label, fontsize=9)
    axes.set_ylabel(y_label, fontsize=9)
    axes.grid(color="#eeeeee", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
