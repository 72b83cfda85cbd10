"""What would make a pipeline faster: each piece of advice with its seconds and its evidence.

Seconds are those of one build, from durations that were measured. Where a saving rests on an
assumption (tests that divide evenly, a cache that hits), the text says so. A job's seconds count
only in builds in which it ends last, and never more than it would take for another job to be last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from features.pipelines import PipelineFacts, Waste
from features.steps import StepFacts
from models.phrases import builds, spoken_duration, spoken_share

NEEDED = 3
"""A step seen less often is no evidence."""
LEAST_S = 5.0
"""Savings below this are not worth a change."""
_CACHE_FLOOR_S = 10.0  # restoring a cache takes time too
_SHARD_S = 60.0  # a shard shorter than this is mostly set-up
_MOST_SHARDS = 8
_SLOWER = 1.2
_SEQUENTIAL = 1.25
_HIGH, _MEDIUM = 0.2, 0.05

_INSTALL = re.compile(
    r"(?i)\b(npm (ci|install)|yarn( install)?|pnpm (i|install)|pip3? install|poetry install|uv sync"
    r"|bundle install|cargo fetch|go mod download|composer install|gradle dependencies"
    r"|mvn .*dependency|nuget restore|dotnet restore|apt(-get)? install|brew install"
    r"|(install|restore|fetch|download)\w* (\w+ ){0,2}(dependencies|deps|packages|requirements"
    r"|modules|toolchain))\b"
)
_TESTS = re.compile(r"(?i)\b(tests?|specs?|pytest|jest|rspec|ctest|e2e|integration|unit)\b")
_CACHED = re.compile(r"(?i)\bcache")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """One thing that would make builds of a pipeline faster.

    Attributes:
        kind: `slower_step`, `uncached_dependencies`, `shard_tests`, `superseded_builds`,
            `path_filter` or `reruns`.
        description: What to do and which measurement says so.
        impact: `high`, `medium` or `low`: the part of a build's time it would save.
        saves_s: Seconds it would save, an average build.
        evidence: Ids of builds that show it, newest first.
    """

    kind: str
    description: str
    impact: str
    saves_s: float
    evidence: tuple[str, ...]


def recommend(
    steps: Sequence[StepFacts], pipeline: PipelineFacts, *, most: int = 5
) -> list[Recommendation]:
    """Return what would make a pipeline faster, the largest saving first.

    Args:
        steps: Its jobs and steps, from `BuildState.steps`.
        pipeline: Its recent builds, from `BuildState.pipeline`.
        most: How many at most.
    """
    usual_s = pipeline.seconds / pipeline.builds if pipeline.builds else 0.0
    found = [*_from_steps(steps, usual_s), *_from_builds(pipeline, usual_s)]
    worthwhile = [advice for advice in found if advice.saves_s >= LEAST_S]
    return sorted(worthwhile, key=lambda advice: (-advice.saves_s, advice.description))[:most]


def _from_steps(steps: Sequence[StepFacts], usual_s: float) -> Iterator[Recommendation]:
    jobs = {fact.job: fact for fact in steps if not fact.step}
    cached = {fact.job for fact in steps if _CACHED.search(fact.step)}
    for fact in steps:
        if fact.step and fact.seen >= NEEDED and fact.job in jobs:
            reach = _reach(fact.job, jobs, usual_s)
            yield from _slower(fact, reach, usual_s)
            if _INSTALL.search(fact.step) and fact.job not in cached:
                yield from _uncached(fact, reach, usual_s)
            elif _TESTS.search(fact.step):
                yield from _sharded(fact, reach, usual_s)


@dataclass(frozen=True, slots=True)
class _Reach:
    """How much of a job's saving the build would see."""

    share: float
    most_s: float

    def of(self, seconds: float) -> float:
        return self.share * min(seconds, self.most_s)


def _reach(job: str, jobs: dict[str, StepFacts], usual_s: float) -> _Reach:
    own = jobs[job]
    longest = max(fact.ewma_s for fact in jobs.values())
    others = [fact.ewma_s for name, fact in jobs.items() if name != job]
    if not others or usual_s > _SEQUENTIAL * longest:  # jobs run one after another
        return _Reach(own.last_share, own.ewma_s)
    return _Reach(own.last_share, max(0.0, own.ewma_s - max(others)))


def _slower(fact: StepFacts, reach: _Reach, usual_s: float) -> Iterator[Recommendation]:
    if fact.older_median_s is None or fact.recent_median_s < _SLOWER * fact.older_median_s:
        return
    before, now = spoken_duration(fact.older_median_s), spoken_duration(fact.recent_median_s)
    saves_s = reach.of(fact.recent_median_s - fact.older_median_s)
    text = (
        f"{_where(fact)} has become slower: {before} at the median before, {now} in the last builds"
    )
    yield _advice("slower_step", f"{text}. Look at what changed.", saves_s, usual_s, fact.examples)


def _uncached(fact: StepFacts, reach: _Reach, usual_s: float) -> Iterator[Recommendation]:
    takes = spoken_duration(fact.recent_median_s)
    saves_s = reach.of(fact.recent_median_s - _CACHE_FLOOR_S)
    text = (
        f"{_where(fact)} takes {takes} and its job has no cache step. Cache what it downloads; the "
        f"saving assumes that the cache hits and is restored in {_CACHE_FLOOR_S:.0f} s."
    )
    yield _advice("uncached_dependencies", text, saves_s, usual_s, fact.examples)


def _sharded(fact: StepFacts, reach: _Reach, usual_s: float) -> Iterator[Recommendation]:
    shards = min(_MOST_SHARDS, int(fact.recent_median_s // _SHARD_S))
    if shards < 2:  # noqa: PLR2004 - one shard is none
        return
    saves_s = reach.of(fact.recent_median_s * (1 - 1 / shards))
    text = (
        f"{_where(fact)} takes {spoken_duration(fact.recent_median_s)}. Split its tests over "
        f"{shards} parallel jobs; the saving assumes that they divide evenly."
    )
    yield _advice("shard_tests", text, saves_s, usual_s, fact.examples)


def _from_builds(pipeline: PipelineFacts, usual_s: float) -> Iterator[Recommendation]:
    wastes = (
        (
            "superseded_builds",
            pipeline.superseded,
            "ran on after a newer build of the same branch was queued. Cancel superseded builds",
        ),
        (
            "path_filter",
            pipeline.docs_only,
            "changed documentation only. Filter such changes out by path",
        ),
        ("reruns", pipeline.reruns, "were reruns. Find and fix the tests that fail now and then"),
    )
    for kind, waste, what in wastes:
        if waste.builds >= NEEDED:
            text = (
                f"{_part(waste, pipeline)} {what}: {spoken_duration(waste.seconds)} of runner time."
            )
            saves_s = waste.seconds / pipeline.builds
            yield _advice(kind, text, saves_s, usual_s, waste.examples)


def _part(waste: Waste, pipeline: PipelineFacts) -> str:
    share = spoken_share(waste.builds / pipeline.builds)
    return f"{waste.builds} of the last {builds(pipeline.builds)} ({share})"


def _where(fact: StepFacts) -> str:
    return f"Step {fact.step!r} of job {fact.job!r}"


def _advice(
    kind: str, text: str, saves_s: float, usual_s: float, evidence: tuple[str, ...]
) -> Recommendation:
    share = saves_s / usual_s if usual_s else 0.0
    impact = "high" if share >= _HIGH else "medium" if share >= _MEDIUM else "low"
    return Recommendation(
        kind=kind, description=text, impact=impact, saves_s=saves_s, evidence=evidence
    )
