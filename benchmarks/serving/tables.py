"""The report for people, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.serving.figures import Figures, Median, usual
from benchmarks.serving.goals import Goal
from benchmarks.serving.plan import Endpoint, Point
from benchmarks.serving.results import Results
from benchmarks.serving.variants import DEPLOYMENTS

_MB = 1e6
_WORD: dict[bool | None, str] = {True: "yes", False: "no", None: "not measured"}
_PARTS = 4
"""Parts of the CPU time that are named."""


def markdown(results: Results) -> str:
    """Return the whole report."""
    figures = results.figures
    parts = [
        f"# Serving\n\n{_about(results)}",
        f"## Goals\n\n{goal_table(results.goals)}",
        *(
            f"## {endpoint}\n\n{point_table(_of(figures, endpoint))}"
            for endpoint in Endpoint
            if _of(figures, endpoint)
        ),
        f"## Where the CPU time goes\n\n{cpu_table(figures)}",
        f"## Memory and start\n\n{condition_table(results)}",
    ]
    if results.failures:
        failed = "\n".join(f"* {line}" for line in results.failures)
        parts.append(f"## What failed\n\n{failed}")
    return "\n\n".join(parts) + "\n"


def goal_table(goals: Sequence[Goal]) -> str:
    """Return each goal, what was measured, and whether it is reached."""
    rows = [
        f"| {goal.what} | {'at most' if goal.most else 'at least'} {goal.limit:g} "
        f"| {'-' if goal.measured is None else f'{goal.measured:.2f}'} | {_WORD[goal.reached]} |"
        for goal in goals
    ]
    return _table("| goal | limit | measured | reached |", "|---|--:|--:|---|", rows)


def point_table(figures: Sequence[Figures]) -> str:
    """Return a row for each server and number of clients."""
    rows = [
        f"| {one.point.server} | {one.point.concurrency} | {_spread(one.rate)} "
        f"| {_spread(one.p50_ms, 2)} | {_spread(one.p99_ms, 2)} | {_spread(one.cpu_us)} "
        f"| {one.errors} | {one.requests}{' (few)' if one.few else ''} |"
        for one in figures
    ]
    head = "| server | clients | requests/s | p50, ms | p99, ms | CPU, us a request | errors | n |"
    return _table(head, "|---|--:|--:|--:|--:|--:|--:|--:|", rows)


def cpu_table(figures: Mapping[Point, Figures]) -> str:
    """Return the largest parts of the CPU time of each point at most clients but one."""
    counts = sorted({point.concurrency for point in figures})
    shown = 32 if 32 in counts else (counts[-1] if counts else 0)  # noqa: PLR2004 - as the goals
    rows = []
    for point, one in figures.items():
        if point.concurrency != shown:
            continue
        largest = sorted(one.parts.items(), key=lambda part: -part[1])[:_PARTS]
        named = ", ".join(f"{name} {us:,.0f}" for name, us in largest)
        rows.append(f"| {point.endpoint} | {point.server} | {one.cpu_us.middle:,.0f} | {named} |")
    head = f"| endpoint | server | us a request, {shown} clients | of it |"
    return _table(head, "|---|---|--:|---|", rows)


def condition_table(results: Results) -> str:
    """Return how long each server takes to start, and its memory after the load."""
    servers = list(dict.fromkeys(one.server for one in results.conditions))
    rows = []
    for server in servers:
        some = [one for one in results.conditions if one.server == server]
        names = [name for name in (*DEPLOYMENTS, "history") if any(name in c.uss for c in some)]
        each = {n: usual([one.uss.get(n, 0) for one in some]) or 0.0 for n in names}
        whole = usual([sum(one.uss.values()) for one in some]) or 0.0
        told = ", ".join(f"{name} {value / _MB:,.0f}" for name, value in each.items())
        torch = ", ".join(sorted({part for one in some for part in one.torch})) or "none"
        start = _spread(Median.of([one.start_s for one in some]), 1)
        rows.append(f"| {server} | {start} | {whole / _MB:,.0f} | {told or '-'} | {torch} |")
    if results.empty_start_s:
        start = _spread(Median.of(results.empty_start_s), 1)
        rows.append(f"| empty application, `serve run` | {start} | - | - | - |")
    head = "| server | first healthy answer, s | USS, MB | of it deployments | torch in |"
    return _table(head, "|---|--:|--:|---|---|", rows)


def _about(results: Results) -> str:
    servers = "\n".join(f"* `{name}`: {about}" for name, about in results.about.items())
    parse = _spread(Median.of(results.parse_us)) if results.parse_us else "-"
    return (
        f"`python -m benchmarks.serving`, {results.made_on}, {results.machine}.\n"
        f"{_repeated(results)} repetitions, servers by turns, {results.seconds:g} s a point; "
        "medians, in brackets the lowest and the highest.\n"
        "Load: wrk on the same machine, one thread, each client waits for its answer. CPU: user "
        "and system time of all processes of a server.\n"
        "Our service is asked about builds and reads its features from its history; no two "
        "questions in a row are the same. Peers are sent features; for the booster and the network "
        "twenty named ones, or whole rows where their format knows no names.\n"
        "Nobody gives reasons but for `-why`, which peers do not have; `-again` is a few questions "
        "asked all the time, reasons and all.\n"
        f"Parsing the recorded JUnit file alone takes {parse} us of CPU.\n\n{servers}\n\n"
        "![Requests a second and CPU time](serving.svg)"
    )


def _repeated(results: Results) -> str:
    """Return how often points were measured, which is less than asked for where time was short."""
    counts = {one.repetitions for one in results.figures.values()} or {0}
    least, most = min(counts), max(counts)
    return f"{least}" if least == most else f"{least} to {most}"


def _of(figures: Mapping[Point, Figures], endpoint: Endpoint) -> list[Figures]:
    return [one for point, one in figures.items() if point.endpoint is endpoint]


def _spread(median: Median, digits: int = 0) -> str:
    middle = f"{median.middle:,.{digits}f}"
    if median.low == median.high:
        return middle
    return f"{middle} ({median.low:,.{digits}f} to {median.high:,.{digits}f})"


def _table(head: str, line: str, rows: Sequence[str]) -> str:
    return "\n".join([head, line, *rows])
