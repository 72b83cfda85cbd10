"""A report as text: Markdown for files, CSV for programs, tables for terminals."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import astuple, fields
from math import isnan
from typing import TYPE_CHECKING, Any

from evaluation.figures import Comparison, Figure
from evaluation.grids import Grid, figure_grids, narrow_grids, narrow_verdicts, verdict_grid
from evaluation.report import Part, Report

if TYPE_CHECKING:
    from rich.console import RenderableType

READING = (
    "Values with 90 % bootstrap intervals: builds are drawn in blocks of neighbours, builds with "
    "ranked tests one by one; rules are compared on the same draws. "
    "(noise) marks rows with fewer than 30 failing builds. "
    "A mean over projects leaves out projects in which a figure is undefined. "
    "Figures in seconds are compared by ratio (below 1 is better), others by difference. "
    "Recall and builds at a percentage are of failing tests found, and of failing builds with at "
    "least one found, within that share of test time, in the order score / sqrt(expected "
    "seconds), as APFDc. NAPFD counts builds without failing tests as 1. A failing build is missed "
    "when none of its failing tests is in the subset. Width / p50 is the median over builds."
)


def markdown(report: Report, *, pictures: Iterable[str] = ()) -> str:
    """Write *report* as Markdown.

    Args:
        report: What to write.
        pictures: Names of picture files beside it.
    """
    lines = [f"# {_one_line(report.title)}", "", f"{report.made_on.isoformat()}. {READING}"]
    if report.notes:
        lines += ["", *[f"- {_one_line(note)}" for note in report.notes]]
    for part in report.parts:
        lines += [
            "",
            f"## {_one_line(part.data)}, {part.mode}",
            "",
            *[f"- {_one_line(said)}" for said in part.sentences],
        ]
        for grid in grids(part):
            lines += ["", f"### {grid.title}", "", *_markdown_grid(grid)]
    named = [f"![{name.removesuffix('.png')}]({name})" for name in pictures]
    if named:
        lines += ["", "## Pictures", "", *named]
    return "\n".join(lines) + "\n"


def metrics_csv(report: Report) -> str:
    """Write every figure as a line of CSV; undefined values are empty."""
    heads = ("set", *[field.name for field in fields(Figure)][1:])
    return _csv(heads, (figure for part in report.parts for figure in part.figures))


def comparisons_csv(report: Report) -> str:
    """Write every comparison as a line of CSV; undefined values are empty."""
    heads = ("set", *[field.name for field in fields(Comparison)][1:])
    return _csv(heads, (one for part in report.parts for one in part.comparisons))


def on_terminal(report: Report) -> Iterator[RenderableType]:
    """Yield the sentences and tables of *report* for a rich console."""
    from rich.markup import escape  # noqa: PLC0415 - files need no terminal
    from rich.table import Table  # noqa: PLC0415 - as above

    for part in report.parts:
        yield f"[bold]{escape(part.data)}[/bold], {escape(part.mode)}, {report.made_on}"
        yield from (escape(text) for text in part.sentences)
        for grid in _for_terminal(part):
            table = Table(title=escape(grid.title), title_justify="left")
            for place, column in enumerate(grid.columns):
                words = place < grid.words
                table.add_column(column, justify="left" if words else "right", overflow="fold")
            for row in grid.rows:
                table.add_row(*(escape(text) for text in row))
            yield table


def grids(part: Part) -> list[Grid]:
    """Return the tables of a part of a report, for files."""
    verdicts = [verdict_grid(part.comparisons)] if part.comparisons else []
    return [*figure_grids(part.figures), *verdicts]


def _for_terminal(part: Part) -> list[Grid]:
    return [*narrow_grids(part.figures), *narrow_verdicts(part.comparisons)]


def _markdown_grid(grid: Grid) -> Iterator[str]:
    heads = [_plain(column) for column in grid.columns]
    rules = ["---" if place < grid.words else "--:" for place in range(len(heads))]
    for row in (heads, rules, *([_plain(text) for text in row] for row in grid.rows)):
        yield f"| {' | '.join(row)} |"


def _plain(text: str) -> str:
    return _one_line(text).replace("|", "\\|")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _csv(heads: tuple[str, ...], rows: Iterable[Figure] | Iterable[Comparison]) -> str:
    written = io.StringIO()
    out = csv.writer(written, lineterminator="\n")
    out.writerow(heads)
    for row in rows:
        out.writerow([_value(value) for value in astuple(row)])
    return written.getvalue()


def _value(value: Any) -> str:
    if value is None or (isinstance(value, float) and isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)
