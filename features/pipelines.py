"""What a pipeline's runs cost, and how much of that nobody waited for."""

from __future__ import annotations

from dataclasses import dataclass

from features.context import Ended
from features.frozen import Tree
from features.keys import by_branch
from features.recent import Recent
from features.traits import Traits

WINDOW = 200
EXAMPLES = 3
PIPELINES = 256
RUNNING = 1_024
LONGEST_S = 6 * 3_600.0
"""A run counts for at most this long: a job that waited for days cost nobody that."""

Run = tuple[str, float, float, float, bool, int, bool]
"""Build, queued at, duration, seconds after a newer build, docs only, attempt, main branch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waste:
    """Builds that need not have run (so long), the seconds they took, and the newest of them."""

    builds: int
    seconds: float
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineFacts:
    """The last `WINDOW` passed or failed builds of a pipeline.

    Attributes:
        builds: How many they are.
        days: Over how many days they were queued.
        seconds: What they took together.
        superseded: Builds on other branches than the main one that ran on after a newer build of
            the same branch was queued; only the seconds after that moment.
        superseded_on_main: The same on main branches, where teams may want every build.
        docs_only: Builds of changes to documentation alone.
        reruns: Second and later attempts.
    """

    builds: int
    days: float
    seconds: float
    superseded: Waste
    superseded_on_main: Waste
    docs_only: Waste
    reruns: Waste


class PipelineBook:
    """Keeps the last runs of every pipeline, and when a newer build made one superfluous."""

    def __init__(self) -> None:
        self._running: Recent[tuple[str, float]] = Recent(limit=RUNNING)
        self._runs: Recent[list[Run]] = Recent(limit=PIPELINES)

    def read(self, pipeline: str) -> PipelineFacts:
        """Return the facts of *pipeline*."""
        runs = self._runs.get(pipeline) or []
        times = [run[1] for run in runs]
        late = [run for run in runs if run[3] > 0]
        return PipelineFacts(
            builds=len(runs),
            days=(max(times) - min(times)) / 86_400 if times else 0.0,
            seconds=sum(run[2] for run in runs),
            superseded=_waste([run for run in late if not run[6]], column=3),
            superseded_on_main=_waste([run for run in late if run[6]], column=3),
            docs_only=_waste([run for run in runs if run[4]], column=2),
            reruns=_waste([run for run in runs if run[5] > 1], column=2),
        )

    def queued(self, traits: Traits) -> None:
        """Learn that the builds still running on this branch are superseded."""
        branch = by_branch(traits)
        if branch is None:
            return
        for name, (other, since) in list(self._running.items()):
            if other == branch and since < 0:
                self._running.put(name, (other, traits.at))
        self._running.put(traits.build_id, (branch, -1.0))

    def finished(self, ended: Ended) -> None:
        """Learn what a build that passed or failed took."""
        running = self._running.pop(ended.traits.build_id)
        if not (ended.passed or ended.failed):
            return
        since = -1.0 if running is None else running[1]
        seconds = min(ended.duration_s, LONGEST_S)
        wasted = min(ended.finished_at - since, seconds) if since >= 0 else 0.0
        traits = ended.traits
        run = (
            traits.build_id,
            traits.at,
            seconds,
            max(0.0, wasted),
            bool(traits.docs_only),
            traits.attempt,
            traits.branch_kind == "main",
        )
        self._runs.put(traits.pipeline, [run, *(self._runs.get(traits.pipeline) or ())][:WINDOW])

    def freeze(self) -> Tree:
        """Return running builds and past runs."""
        return [self._running.freeze(list), self._runs.freeze()]

    def thaw(self, tree: Tree) -> None:
        """Take over what `freeze` returned."""
        self._running.thaw(tree[0], lambda row: (row[0], row[1]))
        self._runs.thaw(tree[1], lambda rows: [_run(*row) for row in rows])


def _run(*row: Tree) -> Run:
    return (row[0], row[1], row[2], row[3], row[4], row[5], row[6])


def _waste(runs: list[Run], *, column: int) -> Waste:
    return Waste(
        builds=len(runs),
        seconds=sum(float(run[column]) for run in runs),
        examples=tuple(run[0] for run in runs[:EXAMPLES]),
    )
