"""One picture: requests a second and CPU time of every server, by the number of clients."""

# ruff: noqa: PLC0415
# matplotlib is imported where it draws: figures without a picture need none.

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.serving.figures import Figures, Median
from benchmarks.serving.plan import Endpoint, Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DOTS_PER_INCH = 110
_COLOURS = {
    "ours": "#0b4f9c",
    "defaults": "#d95f02",
    "fastapi": "#1b9e77",
    "mlflow": "#7570b3",
    "bentoml": "#e6ab02",
    "mlserver": "#a6761d",
}
_KINDS = ("requests a second", "CPU, us a request")


def draw(figures: Mapping[Point, Figures], paths: list[Path]) -> None:
    """Draw *figures* into files, whose names say of which kind: one row for each quantity."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [one for one in Endpoint if any(point.endpoint is one for point in figures)]
    if not shown:
        return
    size = (max(5.0, 3.4 * len(shown)), 6.6)
    with mpl.rc_context({"svg.hashsalt": "serving", "svg.fonttype": "none"}):
        page = Figure(figsize=size, layout="constrained", facecolor="white")
        FigureCanvasAgg(page)
        places = page.subplots(len(_KINDS), len(shown), squeeze=False)
        for row, kind in enumerate(_KINDS):
            for column, endpoint in enumerate(shown):
                _panel(places[row][column], figures, endpoint, kind)
                places[row][column].set_ylabel(kind if column == 0 else "", fontsize=9)
        lines, names = places[0][0].get_legend_handles_labels()
        page.legend(lines, names, ncols=len(names), loc="outside lower center", frameon=False)
        for path in paths:
            plain = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}
            page.savefig(path, dpi=DOTS_PER_INCH, metadata=plain)


def _panel(axes: Axes, figures: Mapping[Point, Figures], endpoint: Endpoint, kind: str) -> None:
    servers = dict.fromkeys(point.server for point in figures)
    for server in servers:
        some = [
            one
            for point, one in figures.items()
            if point.server == server and point.endpoint is endpoint and one.requests
        ]
        if some:
            clients = [one.point.concurrency for one in some]
            shown = [_value(one, kind) for one in some]
            looks = {"color": _COLOURS.get(server, "#666666"), "marker": "o", "markersize": 4}
            middle = [each.middle for each in shown]
            axes.plot(clients, middle, label=server, **looks)  # type: ignore[arg-type]
            low, high = [each.low for each in shown], [each.high for each in shown]
            axes.fill_between(clients, low, high, color=looks["color"], alpha=0.15, linewidth=0)
    axes.set_title(str(endpoint) if kind == _KINDS[0] else "", fontsize=10)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("clients" if kind == _KINDS[1] else "", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(color="#eeeeee", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)


def _value(one: Figures, kind: str) -> Median:
    return one.rate if kind == _KINDS[0] else one.cpu_us
