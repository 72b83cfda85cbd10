"""How much longer a build takes, for people to read."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel

from devmind.cli import charts
from devmind.client import RemainingPrediction


def shown(prediction: RemainingPrediction) -> RenderableType:
    """Show the time left, how much is done, and what it waits for."""
    rows = [*_time_left(prediction), *_remarks(prediction)]
    seen = f"history up to event {prediction.as_of}" if prediction.as_of is not None else ""
    rows.append(f"[dim]model version {prediction.model_version or '-'}, {seen}[/dim]")
    return Panel(Group(*rows), title="How much longer", title_align="left", expand=False)


def _time_left(prediction: RemainingPrediction) -> list[str]:
    low, middle, high = prediction.p10_s, prediction.p50_s, prediction.p90_s
    if middle is None:
        return []
    line = f"[bold]{charts.duration(middle)}[/bold] more"
    if low is not None and high is not None:
        share = f"{prediction.interval:.0%}" if prediction.interval is not None else "most"
        span = f"{charts.duration(low)} to {charts.duration(high)}"
        line += f"; {share} of such builds need {span}"
    rows = [line]
    if prediction.share_done is not None:
        rows.append(f"{charts.bar(prediction.share_done)} {prediction.share_done:.0%} done")
    if prediction.expected_end_at is not None:
        rows.append(f"expected to end at {prediction.expected_end_at:%Y-%m-%d %H:%M:%S %Z}")
    return rows


def _remarks(prediction: RemainingPrediction) -> list[str]:
    rows = []
    if prediction.waits_for:
        rows.append(f"waits for {escape(prediction.waits_for)}")
    if prediction.later_than_usual:
        rows.append("[yellow]later than usual: nine such builds in ten are over by now[/yellow]")
    if prediction.abstained:
        reason = prediction.abstention_reason or "no reason given"
        rows.append(f"[yellow]abstains: {escape(reason)}[/yellow]")
    if prediction.basis:
        rows.append(f"[dim]{escape(prediction.basis)}[/dim]")
    return rows
