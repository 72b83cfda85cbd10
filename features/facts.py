"""Numbers for sentences: what a project's history says about a build, counted in builds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

from features.context import Context, Ended
from features.frozen import Tree
from features.keys import KeyOf, by_author, by_branch, by_file_types, by_kin, by_pipeline
from features.recent import Recent, key
from features.traits import Traits

BRANCH_OUTCOMES = 5
DURATIONS = 15
AREAS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many builds passed or failed, and how many of them failed."""

    builds: int = 0
    failures: int = 0

    @property
    def failure_rate(self) -> float:
        """The share that failed; NaN without builds."""
        return self.failures / self.builds if self.builds else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentDurations:
    """Durations of the last passed builds of a group, in seconds; NaN where there are none."""

    builds: int = 0
    last_s: float = math.nan
    median_s: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFacts:
    """What is known about builds like the one asked about, all from finished builds.

    Attributes:
        project: All builds.
        pipeline: Builds of its pipeline.
        author: Builds of its author there.
        branch: Builds of its branch or pull request there.
        branch_failed: Its branch's last outcomes, newest first; true is a failure.
        commit: Earlier builds of the same commit, in any pipeline.
        touches_dependencies: Whether it changes dependency files; `None` if unknown.
        with_dependencies: Builds of its pipeline that changed dependency files.
        without_dependencies: Builds of its pipeline known not to have.
        file_types: Builds of its pipeline that touch the same set of file types.
        areas: The riskiest top-level directories it touches, with builds that touched them.
        pipeline_durations: Of the pipeline's last passed builds.
        kin_durations: Of the last passed builds of the same pipeline, trigger, kind of branch
            and set of file types.
    """

    project: Tally
    pipeline: Tally
    author: Tally
    branch: Tally
    branch_failed: tuple[bool, ...]
    commit: Tally
    touches_dependencies: bool | None
    with_dependencies: Tally
    without_dependencies: Tally
    file_types: Tally
    areas: tuple[tuple[str, Tally], ...]
    pipeline_durations: RecentDurations
    kin_durations: RecentDurations


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The part of the facts that every answer rests on.

    Attributes:
        project: All builds.
        pipeline: Builds of the pipeline that is asked about.
    """

    project: Tally
    pipeline: Tally


class FactBook:
    """Counts outcomes and keeps the last durations by everything a sentence may be about."""

    def __init__(self) -> None:
        self._tallies: Recent[list[int]] = Recent(limit=4 * 4_096)
        self._branches: Recent[list[bool]] = Recent()
        self._durations: Recent[list[float]] = Recent()

    def read(self, context: Context) -> BuildFacts:
        """Return what is known about builds like *context*'s."""
        traits = context.traits
        branch = by_branch(traits)
        return BuildFacts(
            project=self._tally("project", ""),
            pipeline=self._tally("pipeline", traits.pipeline),
            author=self._tally("author", by_author(traits)),
            branch=self._tally("branch", branch),
            branch_failed=tuple(self._branches.get(branch or "") or ()),
            commit=self._tally("commit", traits.commit or None),
            touches_dependencies=traits.dependencies,
            with_dependencies=self._tally("dependencies", traits.pipeline),
            without_dependencies=self._tally("no dependencies", traits.pipeline),
            file_types=self._tally("file types", by_file_types(traits)),
            areas=self._riskiest(traits),
            pipeline_durations=self._lasted(by_pipeline, traits),
            kin_durations=self._lasted(by_kin, traits),
        )

    def counts(self, pipeline: str) -> Counts:
        """Return how the builds of the project and of *pipeline* have ended."""
        return Counts(
            project=self._tally("project", ""), pipeline=self._tally("pipeline", pipeline)
        )

    def finished_builds(self, pipeline: str) -> int:
        """Return how many builds of *pipeline* have passed or failed."""
        return self._tally("pipeline", pipeline).builds

    def finished(self, ended: Ended) -> None:
        """Count a build that passed or failed."""
        if not (ended.passed or ended.failed):
            return
        for name in _subjects(ended.traits):
            builds, failures = self._tallies.get(name) or (0, 0)
            self._tallies.put(name, [builds + 1, failures + ended.failed])
        branch = by_branch(ended.traits)
        if branch is not None:
            outcomes = [ended.failed, *(self._branches.get(branch) or ())]
            self._branches.put(branch, outcomes[:BRANCH_OUTCOMES])
        if ended.passed:
            self._learn_duration(ended)

    def freeze(self) -> Tree:
        """Return tallies, outcomes and durations by key."""
        return [self._tallies.freeze(), self._branches.freeze(), self._durations.freeze()]

    def thaw(self, tree: Tree) -> None:
        """Take over what `freeze` returned."""
        self._tallies.thaw(tree[0])
        self._branches.thaw(tree[1])
        self._durations.thaw(tree[2])

    def _tally(self, subject: str, name: str | None) -> Tally:
        row = None if name is None else self._tallies.get(key(subject, name))
        return Tally(builds=row[0], failures=row[1]) if row else Tally()

    def _riskiest(self, traits: Traits) -> tuple[tuple[str, Tally], ...]:
        tallies = ((area, self._tally("area", area)) for area in traits.areas)
        known = (item for item in tallies if item[1].builds)
        ranked = sorted(known, key=lambda item: (-item[1].failure_rate, item[0]))
        return tuple(ranked[:AREAS])

    def _lasted(self, by: KeyOf, traits: Traits) -> RecentDurations:
        row = self._durations.get(_duration_key(by, traits))
        if not row:
            return RecentDurations()
        return RecentDurations(builds=len(row), last_s=row[0], median_s=median(row))

    def _learn_duration(self, ended: Ended) -> None:
        for by in (by_pipeline, by_kin):
            name = _duration_key(by, ended.traits)
            row = [ended.duration_s, *(self._durations.get(name) or ())]
            self._durations.put(name, row[:DURATIONS])


def _duration_key(by: KeyOf, traits: Traits) -> str:
    return key(by.__name__, by(traits) or "")


def _subjects(traits: Traits) -> list[str]:
    names = {
        "project": "",
        "pipeline": traits.pipeline,
        "author": by_author(traits),
        "branch": by_branch(traits),
        "commit": traits.commit or None,
        "file types": by_file_types(traits),
    }
    if traits.dependencies is not None:
        names["dependencies" if traits.dependencies else "no dependencies"] = traits.pipeline
    subjects = [key(subject, name) for subject, name in names.items() if name is not None]
    return subjects + [key("area", area) for area in traits.areas]
