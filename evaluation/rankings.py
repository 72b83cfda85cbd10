"""Tests ranked and chosen cycle by cycle, by models that had learned from earlier builds only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from devmind.errors import NotEnoughHistory, UnlearnableHistory
from evaluation.blocks import Cadence, recorded_by, refits
from evaluation.results import Floats, RankedBuild, Rankings
from models.intelligence import TestIntelligence
from models.selection import Candidates, Confidence, MissRate, Target, TimeShare, select
from training.examples import Examples, concatenate
from training.forest_rows import STRANGERS
from training.recipe import Learned

Learn = Callable[[Examples], Learned]

TARGETS: Mapping[str, Target] = {
    "recall 0.95": Confidence(recall=0.95),
    "miss rate 0.05": MissRate(rate=0.05),
    "time 0.5": TimeShare(share=0.5),
}
"""What subsets are chosen by."""
RULES = {"ewma": "fail_ewma_h3", "failure_rate": "failure_rate"}
"""Simple rules, by the feature that is their score.

As published, a test that never ran has never failed and ranks last: 0. The `_fair` variant ranks
it by how often tests of the project failed in their first run, as the model may.
"""
FAIR = "_fair"
_START = "failure_rate"


def walk_rankings(  # noqa: PLR0913 - how a walk goes, each named by the caller
    examples: Examples,
    *,
    projects: Sequence[str],
    learn: Learn,
    cadence: Cadence,
    first: int,
    others: bool,
) -> list[Rankings]:
    """Walk through projects, one at a time, and rank the tests of every build.

    Before each refit a project knows the builds that had reported when the next was queued. Until
    a model can be learned, tests are ranked by their failure rate and everything runs.

    Args:
        examples: One row a test of a build, of all projects.
        projects: Whose builds are asked for.
        learn: Learns from rows; those of other projects come under the name `STRANGERS`.
        cadence: How many builds are predicted before the next refit, given how many are known.
        first: Builds of each project that are only learned from.
        others: Whether other projects lend a hand, with rows of builds that had ended by the
            clock when the refit was due. They must not share commits with the projects.

    Returns:
        One result a project that has more builds than *first*. Probabilities are finite: a test
        that never ran is ranked by what its project's newcomers are like.
    """
    found = []
    for project in projects:
        mine = np.asarray(examples.project == project)
        lenders = examples.where(~mine) if others and not mine.all() else None
        builds = tuple(_walked(examples.where(mine), lenders, learn, cadence, first))
        if builds:
            found.append(Rankings(project=project, builds=builds))
    return found


def _walked(
    own: Examples, lenders: Examples | None, learn: Learn, cadence: Cadence, first: int
) -> Iterator[RankedBuild]:
    model: TestIntelligence | None = None
    for block in refits(own, first=first, cadence=cadence):
        asked, known = own.where(block.asked), own.where(block.known)
        if lenders is not None:
            lent = lenders.where(recorded_by(lenders, float(asked.queued_at[0])))
            known = concatenate([known, _strangers(lent)])
        with suppress(NotEnoughHistory, UnlearnableHistory):  # the one before, or the rule, goes on
            model = TestIntelligence.load(learn(known).bundle, own.names)
        yield from _ranked(asked, model)


def _ranked(asked: Examples, model: TestIntelligence | None) -> Iterator[RankedBuild]:
    project = str(asked.project[0])
    if model is None:
        said = np.nan_to_num(asked.column(_START).astype(np.float64), nan=0.0)
    else:
        said = model.predict(asked.rows, project=project)
    number = asked.builds()
    for where in np.split(np.arange(len(asked)), np.flatnonzero(np.diff(number)) + 1):
        yield _ranked_build(asked.where(where), said[where], model)


def _ranked_build(build: Examples, said: Floats, model: TestIntelligence | None) -> RankedBuild:
    new = np.asarray(build.column("runs") == 0)
    candidates = Candidates(
        names=[str(number) for number in build.test],
        probability=said,
        expected_s=build.column("test_ewma_s").astype(np.float64),
        new=new,
        failed_runs_ago=build.column("runs_since_failure").astype(np.float64) + 1,
    )
    selected, run_all = {}, {}
    for name, target in TARGETS.items():
        chosen = select(
            candidates,
            target,
            table=model.recall_table if model is not None else None,
            run_all_reason="" if model is not None else "no model could be learned yet",
            project=str(build.project[0]),
        )
        selected[name] = np.isin(np.arange(len(build)), chosen.selected)
        run_all[name] = chosen.run_all_reason
    return RankedBuild(
        queued_at=float(build.queued_at[0]),
        failed=build.failed,
        probability=said,
        cost_s=build.duration_s,
        expected_s=candidates.expected_s,
        baselines=_rules(build, new),
        selected=selected,
        run_all=run_all,
    )


def _rules(build: Examples, new: NDArray[np.bool_]) -> dict[str, Floats]:
    found = {}
    for rule, column in RULES.items():
        fair = np.nan_to_num(build.column(column).astype(np.float64), nan=0.0)
        found[rule] = np.where(new, 0.0, fair)
        found[rule + FAIR] = fair
    return found


def _strangers(rows: Examples) -> Examples:
    return replace(rows, project=np.full(len(rows), STRANGERS, dtype=object))
