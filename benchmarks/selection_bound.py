"""Does a stated miss rate hold? Simulated projects, the product's features, forest and selection.

`python -m benchmarks.selection_bound [--projects 200]` replays simulated projects in order of time.
A forest is fitted again and again on the builds before, its builds to come are its out-of-sample
builds, and from those so far the miss rate is promised for the next ones. Writes
`benchmarks/results/selection_bound.md`.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.progress import track

from benchmarks.failing_histories import history
from features.replay import TestExamples, replay_tests
from models.forest import FlatForest, flatten_trees
from models.recall_table import PastBuild, RecallTable
from models.selection import RECENT_RUNS, Candidates, MissRate, select
from training.config import ForestConfig, seeds
from training.fit_forest import apfd_weights, grow

RESULT = Path(__file__).with_name("results") / "selection_bound.md"
RATES = (0.02, 0.05, 0.1)
GOAL = 0.95
SIGNIFICANCE = 0.05
_FIRST = 80
_GROWTH = 1.25
_FOREST = ForestConfig(trees=12, min_samples_leaf=10)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What became of a stated rate in one project.

    Attributes:
        failing: Builds with a failing test that were answered with a promise.
        missed: Those with no failing test caught.
        subset: Those of `failing` for which something was left out.
        run_s: Seconds of test time run on builds that were answered with a promise.
        total_s: Seconds of all tests on those builds.
        abstained: Builds for which too little was known, so that all tests ran.
        builds: All builds that were asked about.
    """

    failing: int = 0
    missed: int = 0
    subset: int = 0
    run_s: float = 0.0
    total_s: float = 0.0
    abstained: int = 0
    builds: int = 0

    def plus(self, other: Kept) -> Kept:
        """Return the sum of both."""
        names = self.__slots__
        return Kept(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def held(self, rate: float, *, of: int | None = None) -> bool:
        """Whether `missed` is no more than *rate* and luck explain.

        The realised rate is at most *rate*, or so many misses would come at a true rate of *rate*
        with a probability of more than `SIGNIFICANCE`.
        """
        failing = self.failing if of is None else of
        return self.missed <= rate * failing or chance_of(self.missed, failing, rate) > SIGNIFICANCE


def chance_of(misses: int, builds: int, rate: float) -> float:
    """Return the probability of *misses* or more of *builds* at a true *rate*.

    Example:
        >>> round(chance_of(2, 2, 0.1), 6)
        0.01
    """
    terms = (
        math.comb(builds, k) * rate**k * (1 - rate) ** (builds - k)
        for k in range(misses, builds + 1)
    )
    return math.fsum(terms)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Build:
    """A build with its tests: what a selection is asked, and what happened.

    Attributes:
        past: The build as calibration takes it.
        candidates: The build as selection takes it.
        duration_s: Seconds of each test (n,).
    """

    past: PastBuild
    candidates: Candidates
    duration_s: Floats


def play(number: int, *, builds: int, rates: Sequence[float] = RATES) -> dict[float, Kept]:
    """Simulate project *number* and return, for each rate, what became of it."""
    rng = np.random.default_rng([20_260, number])
    examples = replay_tests(history(f"p{number}", rng, builds=builds))
    kept = {rate: Kept() for rate in rates}
    past: list[Build] = []
    for asked in _walk(examples):
        table = RecallTable.measure(build.past for build in past)
        for rate in rates:
            for build in asked:
                kept[rate] = kept[rate].plus(answered(build, table, rate))
        past += asked
    return kept


def answered(build: Build, table: RecallTable, rate: float) -> Kept:
    """Select tests of *build* and return what that cost and whether it went wrong."""
    chosen = select(build.candidates, MissRate(rate=rate), table=table)
    to_catch, total_s = build.past.to_catch, float(build.duration_s.sum())
    if chosen.run_all:
        return Kept(abstained=1, builds=1)
    spent = Kept(run_s=float(build.duration_s[chosen.selected].sum()), total_s=total_s, builds=1)
    if not to_catch.any():
        return spent
    missed = int(not to_catch[chosen.selected].any())
    return replace(spent, failing=1, missed=missed, subset=int(chosen.skipped.size > 0))


def _walk(examples: TestExamples) -> Iterator[list[Build]]:
    """Yield the builds between one fit of the forest and the next, as that forest sees them."""
    cycles = int(examples.cycle[-1]) + 1
    weight = apfd_weights(examples.cycle.astype(np.int64), examples.failed & ~examples.flaky)
    start = _FIRST
    while start < cycles:
        known = (examples.cycle < start) & (weight > 0)
        stop = min(int(start * _GROWTH), cycles)
        asked = np.flatnonzero((examples.cycle >= start) & (examples.cycle < stop))
        if known.any():
            yield list(_builds(examples, asked, _predicted(examples, known, weight, asked)))
        start = stop


def _predicted(
    examples: TestExamples, known: NDArray[np.bool_], weight: Floats, asked: NDArray[np.intp]
) -> Floats:
    trees = grow(
        examples.rows[known],
        (examples.failed & ~examples.flaky)[known],
        weight[known] / weight[known].mean(),
        _FOREST,
        seeds(_FOREST.seed, _FOREST.trees),
    )
    forest = FlatForest(flatten_trees(trees), features=len(examples.names))
    return forest.predict(examples.rows[asked])


def _builds(
    examples: TestExamples, asked: NDArray[np.intp], probability: Floats
) -> Iterator[Build]:
    rows = examples.rows[asked]
    runs, since, expected = (
        rows[:, examples.names.index(name)].astype(np.float64)
        for name in ("runs", "runs_since_failure", "test_ewma_s")
    )
    new = ~(runs > 0)
    said = np.where(new, np.nan, probability)
    starts = np.flatnonzero(np.diff(examples.cycle[asked], prepend=-1))
    for where in np.split(np.arange(len(asked)), starts[1:]):
        candidates = Candidates(
            names=[f"{test:04d}" for test in examples.tests[asked[where]].tolist()],
            probability=said[where],
            expected_s=expected[where],
            new=new[where],
            failed_runs_ago=since[where] + 1,
        )
        past = PastBuild(
            probability=said[where],
            failed=examples.failed[asked[where]],
            always=new[where] | (since[where] + 1 <= RECENT_RUNS),
            flaky=examples.flaky[asked[where]],
            expected_s=candidates.costs(),
        )
        seconds = examples.duration_s[asked[where]].astype(np.float64)
        yield Build(past=past, candidates=candidates, duration_s=seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of one rate over all projects.

    Attributes:
        rate: The stated one.
        promised: Projects that got a promise for at least one failing build.
        held: Share of those on which it held.
        held_on_subsets: The same, counting only failing builds for which something was left out.
        realised: Mean over those projects of the share of failing builds missed.
        pooled: Missed builds over all failing builds.
        run_share: Mean share of test time run on builds that were answered with a promise.
        abstained: Share of builds for which all tests ran because too little was known.
    """

    rate: float
    promised: int
    held: float
    held_on_subsets: float
    realised: float
    pooled: float
    run_share: float
    abstained: float


def summed_up(rate: float, found: Sequence[Kept]) -> Row:
    """Sum up what became of *rate* in each project."""
    promised = [kept for kept in found if kept.failing]
    failing = sum(kept.failing for kept in promised)
    return Row(
        rate=rate,
        promised=len(promised),
        held=_mean(kept.held(rate) for kept in promised),
        held_on_subsets=_mean(kept.held(rate, of=kept.subset) for kept in promised),
        realised=_mean(kept.missed / kept.failing for kept in promised),
        pooled=sum(kept.missed for kept in promised) / failing if failing else math.nan,
        run_share=_mean(kept.run_s / kept.total_s for kept in found if kept.total_s),
        abstained=sum(kept.abstained for kept in found) / sum(kept.builds for kept in found),
    )


def table(rows: Sequence[Row], *, projects: int, builds: int) -> str:
    """Lay the rows out as Markdown."""
    lines = [_head(projects, builds), _COLUMNS]
    lines += [
        f"| {row.rate:.0%} | {row.promised} | {row.held:.1%} | {row.held_on_subsets:.1%} "
        f"| {row.realised:.2%} | {row.pooled:.2%} | {row.run_share:.1%} | {1 - row.run_share:.1%} "
        f"| {row.abstained:.1%} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def main(
    projects: Annotated[int, typer.Option(min=1)] = 200,
    builds: Annotated[int, typer.Option(min=200, help="Of a project, about.")] = 500,
    workers: Annotated[int, typer.Option(min=1)] = os.cpu_count() or 1,
) -> None:
    """Simulate, print and write down; exits with 1 if the bound holds on too few projects."""
    one = partial(play, builds=builds)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=spawn) as pool:
        ready = pool.map(one, range(projects))
        found = list(track(ready, total=projects, description="projects"))
    rows = [summed_up(rate, [kept[rate] for kept in found]) for rate in RATES]
    text = table(rows, projects=projects, builds=builds)
    print(text)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text)
    raise typer.Exit(0 if all(row.held >= GOAL for row in rows) else 1)


_COLUMNS = """\
| stated miss rate | projects with a promise | bound held | held, subsets only | realised, mean of \
projects | realised, all builds | test time run | saved | builds without a promise |
|--:|--:|--:|--:|--:|--:|--:|--:|--:|"""


def _head(projects: int, builds: int) -> str:
    return f"""\
# A stated miss rate, kept

{projects} simulated projects of about {builds} builds; {datetime.now(UTC):%Y-%m-%d}, \
Python {platform.python_version()}.

The stated rate is the share of the builds with a failing test that may go through with no failing
test caught; failures known to be flaky need not be caught. Held means that the realised rate is at
most the stated one, or not above it by more than luck explains (one-sided binomial test at 5 %).
Builds without a promise ran all tests: they count neither as kept nor in the test time run.
"Subsets only" leaves out the failing builds for which everything was selected as well.
"""


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return float(np.mean(known)) if known else math.nan


if __name__ == "__main__":
    typer.run(main)
