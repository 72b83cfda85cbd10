"""How long a pipeline would take if its jobs waited only for what they need."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from deployments.answers import Optimization
from devmind.errors import InvalidInput
from features.pipelines import PipelineFacts
from features.steps import StepFacts
from models.phrases import spoken_duration
from models.recommendations import LEAST_S

_HIGH, _MEDIUM = 0.2, 0.05


def parallel_jobs(
    steps: Sequence[StepFacts],
    pipeline: PipelineFacts,
    *,
    dependencies: Mapping[str, Sequence[str]],
    at_once: int | None,
) -> list[Optimization]:
    """Recommend to run jobs side by side, if the stated dependencies allow it and it saves time.

    Args:
        steps: Durations of the pipeline's jobs and steps.
        pipeline: Its recent builds.
        dependencies: Job -> jobs that it waits for; jobs that are not named wait for nothing.
        at_once: How many jobs may run at the same time; any number by default.

    Raises:
        InvalidInput: If jobs wait for each other in a circle.
    """
    takes = {fact.job: fact.ewma_s for fact in steps if not fact.step}
    waits = {job: set(needed) for job, needed in dependencies.items()}
    _refuse_circle(waits)
    if not dependencies or not pipeline.builds or not takes:
        return []
    usual_s = pipeline.seconds / pipeline.builds
    shortest_s = makespan_s(takes, waits, at_once=at_once)
    saves_s = usual_s - shortest_s
    if saves_s < LEAST_S:
        return []
    share = saves_s / usual_s
    limit = "" if at_once is None else f", {at_once} at once,"
    text = (
        f"Builds take {spoken_duration(usual_s)} on average; by the dependencies that were sent, "
        f"the same jobs{limit} could be done in {spoken_duration(shortest_s)}. Let each job wait "
        f"only for those it needs."
    )
    examples = max(steps, key=lambda fact: fact.ewma_s).examples
    impact = "high" if share >= _HIGH else "medium" if share >= _MEDIUM else "low"
    return [
        Optimization(
            type="parallel_jobs",
            description=text,
            impact=impact,
            saves_s=saves_s,
            evidence=tuple(examples),
        )
    ]


def makespan_s(
    takes: Mapping[str, float], waits: Mapping[str, set[str]], *, at_once: int | None
) -> float:
    """Return how long jobs take when each starts as soon as it may, the longest first.

    Example:
        >>> makespan_s({"a": 5.0, "b": 3.0, "c": 2.0}, {"c": {"a"}}, at_once=None)
        7.0
        >>> makespan_s({"a": 5.0, "b": 3.0, "c": 2.0}, {"c": {"a"}}, at_once=1)
        10.0
    """
    todo = {job: {other for other in waits.get(job, set()) if other in takes} for job in takes}
    running: list[tuple[float, str]] = []
    now = 0.0
    while todo or running:
        ready = sorted((job for job, needed in todo.items() if not needed), key=lambda j: -takes[j])
        for job in ready[: None if at_once is None else max(0, at_once - len(running))]:
            heapq.heappush(running, (now + takes[job], job))
            del todo[job]
        now, done = heapq.heappop(running)
        for needed in todo.values():
            needed.discard(done)
    return now


def _refuse_circle(waits: Mapping[str, set[str]]) -> None:
    left = {job: {other for other in needed if other in waits} for job, needed in waits.items()}
    while free := [job for job, needed in left.items() if not needed]:
        for job in free:
            del left[job]
        for needed in left.values():
            needed.difference_update(free)
    if left:
        circle = ", ".join(sorted(left))
        raise InvalidInput(
            "dependency_graph", circle, "These jobs wait for each other in a circle."
        )
