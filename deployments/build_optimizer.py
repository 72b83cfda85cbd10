"""The build-optimizer deployment: how long a build takes, and what would make it faster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

import numpy as np

from deployments.answers import (
    DurationAnswer,
    DurationReason,
    Optimization,
    OptimizationAnswer,
    Readiness,
    RemainingAnswer,
)
from deployments.batches import Sent, answer_each
from deployments.bench import Bench
from deployments.case import Case
from deployments.critical_path import parallel_jobs
from deployments.latest import Latest
from deployments.questions import About, DurationQuestion, RemainingQuestion
from deployments.running import time_left
from deployments.thin import why_thin
from features.build_state import BuildState
from models.build_optimizer import QUANTILES, BuildOptimizer
from models.recommendations import recommend
from models.running_interval import RunningInterval, running_interval
from models.sentences import duration_reasons
from models.watch import DurationSaid, Said

INTERVAL = round(QUANTILES[-1] - QUANTILES[0], 3)
ENOUGH_DURATIONS = 3
"""Fewer durations than this, sent by a caller, have no spread to speak of."""
_PIPELINES = 50
OptimizerCase = Case[BuildOptimizer, BuildState]
Intervals = Latest[RunningInterval]


class BuildOptimizerService:
    """One replica of the build-optimizer deployment.

    Args:
        bench: What it works with.
    """

    def __init__(self, bench: Bench[BuildOptimizer, BuildState]) -> None:
        self._bench = bench
        self._intervals: Intervals = Latest()

    async def predict(self, question: DurationQuestion) -> DurationAnswer:
        """How long will it take?"""
        return await self._bench.answer(
            question,
            lambda case: forecast(case, question, self._intervals),
            duration_said,
            kind="duration" if question.why else "duration, no reasons",
        )

    async def predict_many(
        self, questions: Sequence[Sent[DurationQuestion]]
    ) -> list[DurationAnswer | Exception]:
        """Answer several questions, each by itself."""
        return await answer_each(self.predict, questions)

    async def optimize(self, question: DurationQuestion) -> OptimizationAnswer:
        """What would make it faster?"""
        return await self._bench.answer(
            question,
            lambda case: optimized(case, question, self._intervals),
            duration_said,
            kind="optimization",
        )

    async def remaining(self, question: RemainingQuestion) -> RemainingAnswer:
        """How much longer will it run?"""
        now = self._bench.now()
        return await self._bench.answer(
            question, lambda case: left(case, question, self._intervals, now=now)
        )

    async def readiness(self) -> Readiness:
        """Say whether a version is loaded, and which."""
        return await self._bench.readiness()

    async def reconfigure(self, user_config: object) -> None:
        """Follow the version that the configuration names."""
        await self._bench.reconfigure(user_config)

    async def check_health(self) -> None:
        """Look whether another version is wanted."""
        await self._bench.check_health()


def duration_said(_case: OptimizerCase, answer: DurationAnswer) -> Said | None:
    """Return what of an answer is compared with how long the build took."""
    if answer.p10_s is None or answer.p50_s is None or answer.p90_s is None:
        return None
    return DurationSaid(p10_s=answer.p10_s, p50_s=answer.p50_s, p90_s=answer.p90_s)


def foretold_duration(case: OptimizerCase, intervals: Intervals) -> Said | None:
    """Return what the service would say of a build if somebody asked; `None` if it abstains."""
    answer = forecast(case, DurationQuestion(about=About(), why=False), intervals)
    return None if answer.abstained else duration_said(case, answer)


def usual_pipeline(state: BuildState, pipelines: tuple[str, ...], now: datetime) -> str:
    """Return the pipeline with most finished builds; empty when none is known."""
    del now  # builds count the same whenever they ran
    return max(pipelines[:_PIPELINES], key=state.finished_builds, default="")


def forecast(
    case: OptimizerCase, question: DurationQuestion, intervals: Intervals
) -> DurationAnswer:
    """Predict a duration, or say why not and what builds take in general.

    Args:
        case: Model, state and build.
        question: What is asked.
        intervals: Running calibrations made so far.
    """
    look = case.state.look_at(case.build)
    finished, needed = look.counts.project.builds, case.model.min_history
    thin = why_thin(case.build.project, finished, as_of=case.state.as_of, needed=needed)
    running = intervals.of(
        case.model,
        case.state.outcomes,
        lambda: running_interval(case.model, case.state.outcomes, case.build.project),
    )
    sent = question.known_durations_s if thin else ()
    if len(sent) >= ENOUGH_DURATIONS:
        low, middle, high = (float(q) for q in np.quantile(sent, QUANTILES))
        thin = f"{thin} This is the spread of the {len(sent)} durations that were sent."
    else:
        said_s = case.model.predict(look.row[None, :], running=running)[0]
        low, middle, high = (float(q) for q in said_s)
    said = []
    if question.why and not thin:
        said = duration_reasons(case.model.explain(look.row, running=running), look.facts())
    return DurationAnswer(
        project_name=case.build.project,
        pipeline_id=case.build.pipeline,
        p10_s=low,
        p50_s=middle,
        p90_s=high,
        interval=INTERVAL,
        confidence=None if thin else case.model.manifest.metrics.get("coverage"),
        abstained=thin is not None,
        abstention_reason=thin,
        reasons=tuple(
            DurationReason(factor=r.factor, text=r.text, effect_s=r.effect) for r in said
        ),
        model_version=case.version,
        as_of=case.state.as_of,
    )


def left(
    case: OptimizerCase, question: RemainingQuestion, intervals: Intervals, *, now: datetime
) -> RemainingAnswer:
    """Predict how much longer a running build takes."""
    forecasted = forecast(case, DurationQuestion(about=question.about, why=False), intervals)
    runs = case.state.jobs.read(case.build.pipeline)
    return time_left(question, forecasted, runs, build=case.build, now=now)


def optimized(
    case: OptimizerCase, question: DurationQuestion, intervals: Intervals
) -> OptimizationAnswer:
    """Predict a duration and recommend what would shorten it."""
    forecasted = forecast(case, question, intervals)
    advice = _advice(case, question)
    usual_s = forecasted.p50_s or 0.0
    known = {field.name: getattr(forecasted, field.name) for field in fields(forecasted)}
    return OptimizationAnswer(
        **known,
        recommended_strategy=advice[0].type if advice else "keep",
        estimated_build_time=forecasted.p50_s,
        estimated_savings=min(sum(item.saves_s for item in advice), usual_s),
        optimizations=tuple(advice),
        confidence_score=forecasted.confidence,
    )


def _advice(case: OptimizerCase, question: DurationQuestion) -> list[Optimization]:
    steps = case.state.steps(case.build.pipeline)
    found = [
        Optimization(
            type=item.kind,
            description=item.description,
            impact=item.impact,
            saves_s=item.saves_s,
            evidence=item.evidence,
        )
        for item in recommend(steps, case.state.pipeline(case.build.pipeline))
        if item.kind != "shard_tests" or question.max_parallel_jobs != 1
    ]
    found += parallel_jobs(
        steps,
        case.state.pipeline(case.build.pipeline),
        dependencies=dict(question.dependencies),
        at_once=question.max_parallel_jobs,
    )
    return sorted(found, key=lambda item: -item.saves_s)
