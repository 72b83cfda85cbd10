"""The sets of real CI history that are replayed, and what stands beside each in print."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.accuracy.published import DURATION_RMSE, FAILURE_AUC, RANKING_APFD
from benchmarks.accuracy.tables_as_published import published_examples
from devmind.readers import open_source
from evaluation.blocks import newest_share
from evaluation.durations import walk_durations
from evaluation.failures import leave_one_out, walk_failures
from evaluation.histories import projects_of, replayed
from evaluation.learners import Learners
from evaluation.rankings import walk_rankings
from evaluation.replayed import AS_PUBLISHED, CAUSAL, Replayed
from history.load import load
from history.open import open_history
from training.cadence import builds_until_refit
from training.examples import Examples, concatenate
from training.replay import Kind

FIRST_CYCLES = 5
"""Cycles that test intelligence only learns from before it is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a set is replayed with.

    Attributes:
        data: Folder of the real data.
        scratch: For histories.
        learners: The product's recipes.
    """

    data: Path
    scratch: Path
    learners: Learners

    def examples(self, folder: str, kind: Kind, reader: str | None = None) -> Examples:
        """Import, record and replay all projects of *folder*, by the product's own readers."""
        file = self.scratch / f"{folder.replace('/', '-')}-{reader}.db"
        url = f"sqlite:///{file}"
        with open_history(url) as store:
            if not store.projects():
                builds = open_source(self.data / folder, kind=reader).builds()
                load(store, builds, on_progress=lambda _: None)
            parts, _ = replayed(store, projects_of(store), kind, lambda _: None)
        return concatenate(list(parts.values()))


def durations_of_the_thesis(bench: Bench) -> Iterator[Replayed]:
    """The newest tenth of six projects, passed builds only: causal, then as published."""
    folder = "github-actions/success_only"
    rows = bench.examples(folder, "builds")
    found = walk_durations(rows, [newest_share(rows, 0.1)], bench.learners.durations)
    yield Replayed(
        data="success_only", mode=CAUSAL, durations=tuple(found), published=DURATION_RMSE
    )
    tables = sorted((bench.data / folder).glob("*.csv"))
    theirs = []
    for path in tables:
        own = published_examples(path)
        theirs += walk_durations(own, [newest_share(own, 0.1)], bench.learners.durations)
    yield Replayed(
        data="success_only", mode=AS_PUBLISHED, durations=tuple(theirs), published=DURATION_RMSE
    )


def builds_with_steps(bench: Bench) -> Iterator[Replayed]:
    """The newest fifth of three projects with times of every step: durations and failures."""
    rows = bench.examples("github-actions/with_steps", "builds")
    block = newest_share(rows, 0.2)
    yield Replayed(
        data="with_steps",
        durations=tuple(walk_durations(rows, [block], bench.learners.durations)),
        failures=tuple(walk_failures(rows, [block], bench.learners.failures)),
        published=FAILURE_AUC,
    )


def builds_with_conclusion(bench: Bench) -> Iterator[Replayed]:
    """The newest fifth of six projects, and each of them by a model that never saw it."""
    rows = bench.examples("github-actions/with_conclusion", "builds")
    yield from _failures("with_conclusion", rows, bench)


def stages_of_lrts(bench: Bench) -> Iterator[Replayed]:
    """The newest fifth of the stages of six projects, and each project never seen."""
    rows = bench.examples("lrts", "builds", "lrts-stages")
    yield from _failures("lrts stages", rows, bench)


def verdicts(bench: Bench) -> Iterator[Replayed]:
    """The tests of two projects, cycle by cycle, refitted as the product would."""
    parts = [bench.examples(folder, "tests") for folder in ("iofrol", "dune")]
    rows = concatenate(parts)
    found = walk_rankings(
        rows,
        projects=rows.projects,
        learn=bench.learners.tests,
        cadence=builds_until_refit,
        first=FIRST_CYCLES,
        others=True,
    )
    yield Replayed(data="iofrol and dune", rankings=tuple(found), published=RANKING_APFD)


def _failures(name: str, rows: Examples, bench: Bench) -> Iterator[Replayed]:
    learn = bench.learners.failures
    newest = walk_failures(rows, [newest_share(rows, 0.2)], learn)
    yield Replayed(data=name, failures=tuple(newest), published=FAILURE_AUC)
    never_seen = leave_one_out(rows, learn)
    yield Replayed(data=f"{name}, project never seen", failures=tuple(never_seen))


SETS: dict[str, Callable[[Bench], Iterator[Replayed]]] = {
    "success_only": durations_of_the_thesis,
    "with_steps": builds_with_steps,
    "with_conclusion": builds_with_conclusion,
    "lrts": stages_of_lrts,
    "verdicts": verdicts,
}
"""Name on the command line -> what replays the set."""
