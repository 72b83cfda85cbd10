"""Does it help to know which tests belong to what is changed?

`python -m benchmarks.change_affinity` answers for a real package, whose own tests are run at every
commit of a history made of its releases and of small mistakes and their repairs, and for a
simulated company. It needs the package index once; `--cache` keeps releases and verdicts. It
writes `benchmarks/results/change_affinity.md` and exits with 3 if a release cannot be had.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.own_history.company import broken_by_change, covering, finds_covering
from benchmarks.own_history.comparison import (
    AFFINITY,
    Compared,
    Plan,
    compare,
    interval,
    pool,
    score_rules,
)
from benchmarks.own_history.making import OwnHistory, make_history
from benchmarks.own_history.path_rule import path_scores
from benchmarks.own_history.recorder import Suite
from benchmarks.own_history.releases import Package, read_releases
from benchmarks.own_history.replaying import replayed
from benchmarks.own_history.tables import tables, verdict
from devmind.errors import UnreadableSource
from devmind.simulate import Timeline, make_company
from features.verdict_state import TestState

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks" / "results" / "change_affinity.md"
PACKAGE = Package(
    name="boltons",
    versions=("23.1.0", "23.1.1", "24.0.0", "24.1.0", "25.0.0", "26.0.0"),
    modules="boltons",
    tests="tests",
    options=("--noconftest",),
)
"""Thirty modules, a test file each, 430 tests in a few seconds. Its `conftest.py` only leaves out
tests for other Pythons, in a way that pytest no longer knows."""
EXIT_UNUSABLE = 3
_VIEWS = {"All failures": False, "First failures: tests that passed in their last run": True}
_CAUSED = "First failures of tests that cover the change: neither flaky nor inherited from main"
_COMPANY_START = datetime(2025, 1, 6, tzinfo=UTC)

Lines = list[str]
Verdicts = list[tuple[bool, str]]


def main(  # noqa: PLR0913 - options are arguments
    *,
    commits: Annotated[int, typer.Option(min=40, help="Of the real package, releases too.")] = 60,
    seed: Annotated[int, typer.Option(help="Of histories and forests.")] = 0,
    cache: Annotated[Path | None, typer.Option(help="Keeps releases and verdicts.")] = None,
    projects: Annotated[int, typer.Option(min=1, help="Of the simulated company.")] = 2,
    builds: Annotated[int, typer.Option(min=60, help="Of each simulated project.")] = 300,
    trees: Annotated[int, typer.Option(min=1, help="Of a forest.")] = 60,
) -> None:
    """Compare orders of tests with and without change affinity; print and write the tables."""
    plan = Plan(trees=trees, seed=seed)
    with tempfile.TemporaryDirectory(prefix="own-history-") as folder, _bar() as bar:
        try:
            history = _record(cache or Path(folder, "cache"), Path(folder), commits, seed, bar)
        except UnreadableSource as error:
            typer.echo(f"The real package is not there: {error}", err=True)
            raise typer.Exit(EXIT_UNUSABLE) from None
        real, about_real = _real(history, replace(plan, first=15, refit_every=10))
        simulated, about_simulated = _company(projects, builds, plan, bar)
    said = [text for _, text in about_real + about_simulated]
    said.append(f"Options: --commits {commits} --seed {seed} --trees {trees}.")
    lines = [*_HEAD.splitlines(), "", *(f"- {text}" for text in said), "", *real, *simulated]
    print("\n".join(lines))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text("\n".join(lines).rstrip() + "\n")


def _record(cache: Path, folder: Path, commits: int, seed: int, bar: Progress) -> OwnHistory:
    releases = list(read_releases(PACKAGE, cache / "releases"))
    task = bar.add_task(f"tests of {PACKAGE.name}, commits", total=commits)
    suite = Suite(
        tests=PACKAGE.tests, importable_from=PACKAGE.importable_from, options=PACKAGE.options
    )
    return make_history(
        releases,
        suite,
        project=PACKAGE.name,
        modules=PACKAGE.modules,
        count=commits,
        seed=seed,
        folder=folder / "repository",
        reports=cache / "junit",
        on_done=lambda: bar.advance(task),
    )


def _real(history: OwnHistory, plan: Plan) -> tuple[Lines, Verdicts]:
    events, examples = replayed(PACKAGE.name, history.builds)
    asked, scores = score_rules(examples, path_scores(events, examples), plan, each_group=True)
    kinds = ", ".join(f"{many} {kind}" for kind, many in Counter(history.kinds).most_common())
    failing = sum(build.outcome.status == "failed" for build in history.builds)
    lines = [
        f"## {PACKAGE.name} {PACKAGE.versions[0]} to {PACKAGE.versions[-1]}, its own tests",
        "",
        f"{len(history.builds)} commits ({kinds}).",
        f"{failing} builds failed; {len(examples)} verdicts.",
        "",
    ]
    verdicts = Verdicts()
    for view, first_failures in _VIEWS.items():
        found = compare(examples, asked, scores, first_failures=first_failures)
        verdicts.append(verdict(f"{PACKAGE.name}, {view.partition(':')[0].lower()}", found))
        lines += [f"### {view}", "", *tables(found)]
    return lines, verdicts


def _company(projects: int, builds: int, plan: Plan, bar: Progress) -> tuple[Lines, Verdicts]:
    company = make_company(
        seed=plan.seed + 1, projects=projects, builds=builds, start=_COMPANY_START
    )
    task = bar.add_task("simulated projects", total=projects)
    parts: dict[str, list[Compared]] = {view: [] for view in (*_VIEWS, _CAUSED)}
    aucs: dict[str, list[float]] = {}
    for truth in company.projects:
        simulated = list(Timeline(truth).builds())
        events, examples = replayed(truth.name, (build.finished for build in simulated))
        asked, scores = score_rules(examples, path_scores(events, examples), plan)
        for view, first_failures in _VIEWS.items():
            parts[view].append(compare(examples, asked, scores, first_failures=first_failures))
        broken = {build.finished.build.build_id: build.broken for build in simulated}
        covers = covering(truth, events, examples)
        caused = covers & broken_by_change(broken, events, examples)
        telling = asked & ~(examples.failed & ~caused)
        parts[_CAUSED].append(compare(examples, telling, scores, first_failures=True))
        names = [name for group in AFFINITY for name in TestState.groups.get(group, ())]
        columns = {name: examples.column(name) for name in names} | scores
        for rule, found in finds_covering(examples, asked, covers, columns).items():
            aucs.setdefault(rule, []).extend(found)
        bar.advance(task)
    lines = [f"## Simulated company, {projects} projects of {builds} builds", ""]
    verdicts = Verdicts()
    for view, each in parts.items():
        verdicts.append(verdict(f"simulated company, {view.partition(':')[0].lower()}", pool(each)))
        lines += [f"### {view}", "", *tables(pool(each))]
    return [*lines, *_covering_table(aucs)], verdicts


def _covering_table(aucs: dict[str, list[float]]) -> Iterator[str]:
    yield "### Which tests cover the change"
    yield ""
    yield "AUC of a column or rule for the tests that cover a changed file, mean over builds."
    yield ""
    yield "| by | AUC | builds |"
    yield "| --- | --: | --: |"
    for rule, values in aucs.items():
        low, high = interval(np.array(values))
        yield f"| {rule} | {np.mean(values):.3f} ({low:.3f} to {high:.3f}) | {len(values)} |"
    yield ""


@contextmanager
def _bar() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        yield progress


_HEAD = """# Change affinity: does it help to know which tests belong to what is changed?

`python -m benchmarks.change_affinity`. Everything walks forward, one forest a project: the first 25
builds of a simulated project (15 of the real one) are only learned from, and the forest is refitted
every 15 (10) builds on what was known by then. "Without change affinity" is the same forest without
the columns of `failed_together`, `touched_together`, `path_tokens` and the ranks by them. `path`
runs first the tests whose file or class is named like a changed file. A test never seen comes first
under every rule. "±" is half of a 95 % bootstrap interval over builds; differences are paired by
build, with their interval.

The real package's commits are its releases and, between them, made-up work. Mistakes are made in
functions that a module's own tests name, four at once, and far more often than in real life, so
that there is something to compare: a flipped comparison, a wrong sign, one too many, a flag or
condition turned round, a forgotten return value, swapped arguments. They are mended some commits
later, mostly beside other work. Other commits bring comments, docstrings, blank lines and renamed
locals, often in several files. The verdicts are those of the package's own tests, really run at
every commit."""


if __name__ == "__main__":
    typer.run(main)
