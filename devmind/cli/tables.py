"""Answers as tables for people. Formatting only: nothing here asks anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from devmind.cli import charts
from devmind.client import (
    Assessment,
    DurationPrediction,
    FailurePrediction,
    JobStatus,
    ModelStatus,
    Optimization,
    ProjectStatus,
    Readiness,
    ServiceInformation,
    ShadowStatus,
    TestSelection,
)

SHOWN_REASONS = 5
SHOWN_TESTS = 8
_RISK = {"low": "green", "medium": "yellow", "high": "red", "unknown": "dim"}
_STATE = {
    "succeeded": "green",
    "failed": "red",
    "cancelled": "yellow",
    "skipped": "yellow",
    "running": "cyan",
}


def duration(prediction: DurationPrediction, *, about: str = "") -> RenderableType:
    """Show how long a build will take."""
    rows = [*_times(prediction)]
    rows += _abstention(abstained=prediction.abstained, reason=prediction.abstention_reason)
    effects = [(f"{r.effect_s:+.0f} s" if r.effect_s else "", r.text) for r in prediction.reasons]
    rows += _reasons(effects)
    if isinstance(prediction, Optimization):
        rows += _advice(prediction)
    return _panel("How long", rows, prediction.model_version, prediction.as_of, about)


def failure(prediction: FailurePrediction, *, about: str = "") -> RenderableType:
    """Show how probable a failure is."""
    rows: list[RenderableType] = []
    colour = _RISK.get(prediction.risk_level, "dim")
    probability = prediction.failure_probability
    if probability is not None:
        word = f"[{colour}]risk {prediction.risk_level}[/{colour}]"
        rows.append(f"[bold]{probability:.0%}[/bold] fails  {charts.bar(probability)}  {word}")
    if prediction.base_rate is not None:
        rows.append(f"[dim]of builds here, {prediction.base_rate:.0%} fail[/dim]")
    rows += _abstention(abstained=prediction.abstained, reason=prediction.abstention_reason)
    factors = prediction.contributing_factors
    rows += _reasons([(f"{f.weight:+.1%}" if f.weight else "", f.text) for f in factors])
    rows += [f"→ {escape(advice)}" for advice in prediction.recommendations]
    return _panel("Will it fail", rows, prediction.model_version, prediction.as_of, about)


def selection(answer: TestSelection, *, about: str = "") -> RenderableType:
    """Show which tests are worth running."""
    rows: list[RenderableType] = []
    chosen, total = len(answer.selected_tests), answer.total_tests
    if answer.run_all:
        rows.append(f"[bold]all {total} tests[/bold]: {escape(answer.run_all_reason or '')}")
    else:
        rows.append(f"[bold]{chosen} of {total} tests[/bold]  {charts.bar(chosen / max(total, 1))}")
        rows.append(f"[dim]{escape(_gain(answer))}[/dim]")
    if answer.remark:
        rows.append(f"[yellow]{escape(answer.remark)}[/yellow]")
    why = {reason.test: reason for reason in answer.reasons}
    shown = answer.selected_tests[:SHOWN_TESTS]
    words = [(_likely(why[t].probability), f"{t}: {why[t].why}") for t in shown if t in why]
    rows += _reasons(words, limit=SHOWN_TESTS)
    return _panel("Which tests", rows, answer.model_version, answer.as_of, about)


def assessment(answer: Assessment) -> Iterable[RenderableType]:
    """Show all three, and what could not be answered."""
    if answer.duration:
        yield duration(answer.duration)
    if answer.failure:
        yield failure(answer.failure)
    if answer.tests:
        yield selection(answer.tests)
    for part, why in answer.errors.items():
        yield f"[yellow]{escape(part)}[/yellow]: {escape(why)}"


def service(url: str, information: ServiceInformation, readiness: Readiness) -> RenderableType:
    """Show whether the service is ready."""
    state = "[green]ready[/green]" if readiness.ready else "[red]not ready[/red]"
    lines = [f"{url}  {state}  version {information.version}, {information.environment}"]
    lines += [f"  {escape(reason)}" for reason in readiness.reasons]
    return "\n".join(lines)


def projects(recorded: Sequence[ProjectStatus]) -> RenderableType:
    """Show how much is recorded."""
    table = _table("Project", ("Builds", "Finished", "Tests", "Events"))
    for one in recorded:
        counts = (one.builds, one.finished, one.tests, one.last_sequence)
        table.add_row(escape(one.project), *(f"{count:,}" for count in counts))
    return table if recorded else "[dim]Nothing is recorded yet: `devmind import`.[/dim]"


def jobs(found: Sequence[JobStatus]) -> RenderableType:
    """Show training jobs, the newest first, each with what came of it."""
    if not found:
        return "[dim]No model was trained here yet: `devmind train all`.[/dim]"
    table = Table()
    table.add_column("Job", no_wrap=True)
    for name in ("Model", "State", "Asked for", "What it does, or what came of it"):
        table.add_column(name, overflow="fold")
    for job in found:
        colour = _STATE.get(job.state, "default")
        state = job.state if job.over else f"{job.state} {job.progress or 0:.0%}"
        asked = f"{job.created_at:%Y-%m-%d %H:%M}" if job.created_at else "-"
        said = job.detail if job.over else job.stage or job.detail
        coloured = f"[{colour}]{state}[/{colour}]"
        table.add_row(job.job_id, job.model, coloured, asked, escape(said or "-"))
    return table


def models(statuses: Sequence[ModelStatus]) -> RenderableType:
    """Show every model: who is champion, and how its figures went from version to version."""
    table = Table()
    table.add_column("Model", no_wrap=True)
    for name in ("Champion", "Previous", "Serving", "Versions", "Figures of the champion"):
        table.add_column(name, overflow="fold")
    for status in statuses:
        serving = ", ".join(map(str, _listed(status.serving)))
        table.add_row(
            status.model,
            status.champion or "-",
            status.previous or "-",
            serving or "-",
            str(len(status.versions)),
            _figures(status),
        )
    return table


def watching(statuses: Sequence[ModelStatus]) -> RenderableType:
    """Show how each champion has done lately, by project, and how its shadow compares."""
    table = Table()
    for name in ("Model", "Project", "Builds", "Figures", "Drift"):
        table.add_column(name, overflow="fold")
    for status in statuses:
        for watch in status.watching:
            figures = [f"{name} {value:.4g}" for name, value in watch.figures.items()]
            moved = (("rows", watch.feature_drift), ("outcomes", watch.outcome_drift))
            drift = [f"{name} {one.psi:.2f} ({one.where})" for name, one in moved if one]
            shown = ("\n".join(figures) or "too few builds", "\n".join(drift) or "-")
            table.add_row(status.model, watch.project, str(watch.builds), *shown)
        if status.shadow is not None:
            shadow = status.shadow
            seen = f"{shadow.builds} of {shadow.builds_wanted}"
            table.add_row(status.model, f"shadow: version {shadow.version}", seen, _pair(shadow))
    return table


def _pair(shadow: ShadowStatus) -> str:
    """Write the shadow's figures beside the champion's on the same builds."""
    lines = [
        f"{name} {value:.4g} (champion {other:.4g})"
        for name, value in shadow.shadow_scorecard.items()
        if value is not None and (other := shadow.champion_scorecard.get(name)) is not None
    ]
    return "\n".join(lines) or "too few builds"


def _figures(status: ModelStatus) -> str:
    """Write the champion's figures, each with a curve over the versions that have it."""
    by_age = sorted(status.versions, key=lambda version: version.version.zfill(9))
    champion = next((v for v in by_age if v.version == status.champion), None)
    figures = champion.scorecard if champion else {}
    lines = []
    for name, value in list(figures.items())[:3]:
        known = (v.scorecard.get(name) for v in by_age)
        curve = [figure for figure in known if figure is not None]
        picture = f" {charts.sparkline(curve)}" if len(curve) > 1 else ""
        lines.append(f"{name} {value:.4g}{picture}" if value is not None else f"{name} -")
    return "\n".join(lines) or "-"


def _listed(serving: object) -> Sequence[object]:
    if isinstance(serving, list | tuple):
        return serving
    return () if serving is None else (serving,)


def _times(prediction: DurationPrediction) -> Iterable[RenderableType]:
    low, middle, high = prediction.p10_s, prediction.p50_s, prediction.p90_s
    if middle is None:
        return
    if low is None or high is None:
        yield f"[bold]{charts.duration(middle)}[/bold]"
        return
    share = f"{prediction.interval:.0%}" if prediction.interval is not None else "most"
    span = f"{charts.duration(low)} to {charts.duration(high)}"
    yield f"[bold]{charts.duration(middle)}[/bold]; {share} of such builds take {span}"
    yield charts.interval(low, middle, high)


def _advice(prediction: Optimization) -> list[RenderableType]:
    return [
        f"→ {escape(one.description)} [dim](saves about {charts.duration(one.saves_s)})[/dim]"
        for one in prediction.optimizations
    ]


def _gain(selection: TestSelection) -> str:
    saved = f"saves about {charts.duration(selection.estimated_time_savings)}"
    if selection.estimated_time_savings_share is not None:
        saved += f", {selection.estimated_time_savings_share:.0%} of the time"
    if selection.coverage_retention is not None:
        saved += f"; expected to catch {selection.coverage_retention:.0%} of the failing tests"
    if selection.expected_miss_rate is not None and selection.failing_builds:
        slipped = f"{selection.expected_miss_rate:.1%} of {selection.failing_builds}"
        saved += f"; {slipped} past failing builds slipped through"
    return saved


def _likely(probability: float | None) -> str:
    return "" if probability is None else f"{probability:.1%}"


def _abstention(*, abstained: bool, reason: str | None) -> list[RenderableType]:
    return (
        [f"[yellow]abstains: {escape(reason or 'no reason given')}[/yellow]"] if abstained else []
    )


def _reasons(
    reasons: Sequence[tuple[str, str]], *, limit: int = SHOWN_REASONS
) -> list[RenderableType]:
    if not reasons:
        return []
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for effect, text in reasons[:limit]:
        table.add_row(effect, escape(text))
    return [table]


def _panel(
    title: str, rows: list[RenderableType], version: str | None, as_of: int | None, about: str
) -> Panel:
    seen = f"history up to event {as_of}" if as_of is not None else "no history"
    rows.append(f"[dim]model version {version or '-'}, {seen}[/dim]")
    heading = [f"[cyan]{escape(about)}[/cyan]"] if about else []
    return Panel(Group(*heading, *rows), title=title, title_align="left", expand=False)


def _table(first: str, numbers: Iterable[str]) -> Table:
    table = Table(first)
    for name in numbers:
        table.add_column(name, justify="right")
    return table
