"""Drawing charts into PNG files and SVG elements, for a white page."""

# ruff: noqa: PLC0415
# matplotlib is imported where it draws: a report without pictures needs none.

from __future__ import annotations

import io
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from training.charts import Chart, Line, Panel, Role

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PANELS = 12
"""More projects than this are not drawn; those first in the report are."""
COLUMNS = 3
DOTS_PER_INCH = 110
_RULES = ("#d95f02", "#1b9e77", "#7570b3", "#e6ab02", "#a6761d", "#666666")
_LOOKS: dict[Role, dict[str, Any]] = {
    Role.MODEL: {"color": "#0b4f9c", "linewidth": 2.2, "zorder": 4},
    Role.RULE: {"linewidth": 1.3, "zorder": 3},
    Role.RANDOM: {"color": "#999999", "linewidth": 1.1, "linestyle": ":", "zorder": 2},
    Role.NOMINAL: {"color": "#333333", "linewidth": 1.0, "linestyle": "--", "zorder": 2},
    Role.BOUND: {"color": "#bbbbbb", "linewidth": 0.9, "linestyle": "-", "zorder": 1},
    Role.TARGETS: {"color": "#c1121f", "linestyle": "none", "marker": "o", "zorder": 5},
}
_MARKED = 15
"""Lines of so few points show each of them."""


def draw(chart: Chart, path: Path, *, subtitle: str) -> None:
    """Draw *chart* as a PNG file.

    Args:
        chart: What to draw; it has at least one panel.
        path: Where; the folder exists.
        subtitle: The data, the mode and the date.
    """
    figure = _figure(chart, f"{chart.title}\n{subtitle}")
    figure.savefig(path, dpi=DOTS_PER_INCH, metadata={"Software": None})


def svg(chart: Chart) -> str:
    """Return *chart* as an SVG element, for a page that names it; equal charts give equal text."""
    import matplotlib as mpl

    page = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": chart.name}):
        _figure(chart, "").savefig(page, format="svg", metadata={"Date": None, "Creator": None})
    return page.getvalue()[page.getvalue().index("<svg") :]


def _figure(chart: Chart, title: str) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = chart.panels[:MOST_PANELS]
    columns = 2 if len(panels) == 4 else min(COLUMNS, len(panels))  # noqa: PLR2004 - two by two
    rows = -(-len(panels) // columns)
    size = (max(7.0, 4.6 * columns), 4.0 * rows + (0.9 if title else 0.0))
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(title, fontsize=12)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for place, panel in zip(axes, panels, strict=False):
        _panel(place, panel, chart)
    for empty in axes[len(panels) :]:
        empty.set_axis_off()
    return figure


def _panel(axes: Axes, panel: Panel, chart: Chart) -> None:
    axes.set_title(shorten(panel.title, 64, placeholder="..."), fontsize=10)
    for left, right, height in panel.bars:
        axes.bar(left, height, width=right - left, align="edge", color="#e3e6ea", linewidth=0)
    if panel.bars:
        axes.bar(0, 0, color="#e3e6ea", label=panel.bars_label)
    colours = iter(_RULES * (1 + len(panel.lines) // len(_RULES)))
    for line in panel.lines:
        looks = {"color": next(colours)} if line.role is Role.RULE else {}
        _line(axes, line, _LOOKS[line.role] | looks)
    _frame(axes, chart)


def _line(axes: Axes, line: Line, looks: dict[str, Any]) -> None:
    joined = line.role in (Role.MODEL, Role.RULE)
    marks = {"marker": "o", "markersize": 4} if joined and len(line.x) <= _MARKED else {}
    axes.plot(line.x, line.y, label=line.label or "_", **(looks | marks))
    if line.spread:
        axes.errorbar(line.x, line.y, line.spread, fmt="none", ecolor="#7fa3cf", capsize=2)
    for name, x, y in zip(line.names, line.x, line.y, strict=False):
        axes.annotate(name, (x, y), xytext=(4, 8), textcoords="offset points", fontsize=8)


def _frame(axes: Axes, chart: Chart) -> None:
    from matplotlib.ticker import PercentFormatter

    axes.set_xlabel(chart.x_label, fontsize=9)
    axes.set_ylabel(chart.y_label, fontsize=9)
    if chart.x_percent:
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
    if chart.y_percent:
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    if chart.y_low is not None or chart.y_high is not None:
        low, high = axes.set_ylim(chart.y_low, chart.y_high)
        axes.set_ylim(low - 0.02 * (high - low), high)
    axes.tick_params(labelsize=8)
    axes.grid(color="#eeeeee", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False, loc="best")
