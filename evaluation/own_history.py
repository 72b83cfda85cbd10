"""A team's own history replayed: what the product would have said of its newest builds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from devmind.errors import (
    DevMindError,
    NotEnoughHistory,
    NothingToEvaluate,
    UnlearnableHistory,
)
from evaluation.blocks import Block, by_calendar, refits
from evaluation.durations import walk_durations
from evaluation.failures import walk_failures
from evaluation.histories import replayed
from evaluation.learners import Learners
from evaluation.rankings import walk_rankings
from evaluation.replayed import Replayed
from evaluation.results import Durations, Failures, Rankings
from history.store import HistoryStore
from training.cadence import builds_until_refit
from training.examples import Examples, concatenate
from training.kinship import Kin
from training.recipe import Learned
from training.replay import Kind

R = TypeVar("R")
USUAL_SHARE = 0.3
USUAL_MOST = 1_000
"""By default the newest builds up to this share, and at most so many, are asked for."""
LEAST_KNOWN = 20
"""Builds with tests that are only learned from, at least."""


class OnStep(Protocol):
    """Told what is being done, and how much of it is."""

    def __call__(self, step: str, done: int, total: int) -> None:
        """*done* of *total* parts of *step* are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be evaluated.

    Attributes:
        projects: Whose builds are asked for.
        all_projects: Whose builds may be learned from.
        last: How many builds; 0 for the usual share.
        refits: How often the two build models are learned anew.
    """

    projects: Sequence[str]
    all_projects: Sequence[str]
    last: int = 0
    refits: int = 4


def evaluate(
    store: HistoryStore, wanted: Wanted, learners: Learners, on_step: OnStep
) -> tuple[Replayed, tuple[str, ...]]:
    """Replay the history and ask for the newest builds as if the product had been on.

    Args:
        store: The history.
        wanted: What is to be evaluated.
        learners: The recipes.
        on_step: Told where the evaluation is.

    Returns:
        What was said and what happened, and why a model could not be evaluated.

    Raises:
        NothingToEvaluate: If none of the three could.
    """
    notes: list[str] = []
    durations, failures = _of_builds(store, wanted, learners, on_step, notes)
    rankings = _tried("tests", notes, lambda: _of_tests(store, wanted, learners, on_step))
    if not (durations or failures or rankings):
        raise NothingToEvaluate(tuple(notes))
    name = wanted.projects[0] if len(wanted.projects) == 1 else f"{len(wanted.projects)} projects"
    found = Replayed(data=name, durations=durations, failures=failures, rankings=rankings)
    return found, tuple(notes)


def _of_builds(
    store: HistoryStore,
    wanted: Wanted,
    learners: Learners,
    on_step: OnStep,
    notes: list[str],
) -> tuple[tuple[Durations, ...], tuple[Failures, ...]]:
    examples, _ = _joined(store, wanted, "builds", on_step)
    if examples is None:
        notes.append("durations and failures: no build has finished")
        return (), ()

    def walked(step: str, walk: _Walk[R], learn: _Learn) -> tuple[R, ...]:
        blocks = list(_blocks(examples, wanted))
        counted = _counted(learn, step, len(blocks), on_step)
        return tuple(walk(examples, blocks, counted))

    durations = _tried(
        "durations", notes, lambda: walked("durations", walk_durations, learners.durations)
    )
    failures = _tried(
        "failures", notes, lambda: walked("failures", walk_failures, learners.failures)
    )
    return durations, failures


_Learn = Callable[[Examples], Learned]
_Walk = Callable[[Examples, Sequence[Block], _Learn], Sequence[R]]


def _blocks(examples: Examples, wanted: Wanted) -> list[Block]:
    own = np.isin(examples.project.astype(str), sorted(wanted.projects))
    last = wanted.last or min(USUAL_MOST, round(int(own.sum()) * USUAL_SHARE))
    return list(by_calendar(examples, projects=wanted.projects, last=last, parts=wanted.refits))


def _of_tests(
    store: HistoryStore, wanted: Wanted, learners: Learners, on_step: OnStep
) -> tuple[Rankings, ...]:
    examples, kin = _joined(store, wanted, "tests", on_step)
    if examples is None:
        raise NotEnoughHistory("builds that reported tests", 0, LEAST_KNOWN)
    found: list[Rankings] = []
    for project in sorted(set(wanted.projects) & set(examples.projects)):
        builds = len(np.unique(examples.sequence[examples.project == project]))
        last = wanted.last or min(USUAL_MOST, round(builds * USUAL_SHARE))
        first = max(LEAST_KNOWN, builds - last)
        if first >= builds:
            continue
        own = examples.where(np.asarray(examples.project == project))
        total = sum(1 for _ in refits(own, first=first, cadence=builds_until_refit))
        strange = ~np.isin(examples.project.astype(str), sorted(kin.get(project, ())))
        found += walk_rankings(
            examples.where(strange),
            projects=(project,),
            learn=_counted(learners.tests, f"tests of {project}", total, on_step),
            cadence=builds_until_refit,
            first=first,
            others=True,
        )
    if not found:
        raise NotEnoughHistory("builds that reported tests", 0, LEAST_KNOWN + 1)
    return tuple(found)


def _joined(
    store: HistoryStore, wanted: Wanted, kind: Kind, on_step: OnStep
) -> tuple[Examples | None, Kin]:
    projects = list(wanted.all_projects)
    seen: list[str] = []

    def on_project(project: str) -> None:
        seen.append(project)
        on_step(f"replaying {kind}", len(seen), len(projects))

    parts, kin = replayed(store, projects, kind, on_project)
    return (concatenate(list(parts.values())) if parts else None), kin


def _counted(learn: _Learn, step: str, total: int, on_step: OnStep) -> _Learn:
    done: list[int] = []

    def counted(known: Examples) -> Learned:
        on_step(step, len(done), total)
        done.append(1)
        return learn(known)

    return counted


def _tried(what: str, notes: list[str], walk: Callable[[], tuple[R, ...]]) -> tuple[R, ...]:
    try:
        return walk()
    except (NotEnoughHistory, UnlearnableHistory) as error:
        notes.append(f"{what} could not be evaluated: {_said(error)}")
        return ()


def _said(error: DevMindError) -> str:
    return str(error).rstrip(".")
