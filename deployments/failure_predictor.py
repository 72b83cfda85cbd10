"""The failure-predictor deployment: whether a build will fail, and why."""

from __future__ import annotations

from collections.abc import Sequence

from deployments.answers import FailureAnswer, FailureFactor, Readiness, RiskLevel
from deployments.batches import Sent, answer_each
from deployments.bench import Bench
from deployments.case import Case
from deployments.latest import Latest
from deployments.questions import About, FailureQuestion
from deployments.thin import why_thin
from features.build_state import BuildState
from features.facts import Counts, Tally
from models.failure_predictor import FailurePredictor
from models.precautions import precautions
from models.running_correction import RunningCorrection
from models.sentences import failure_reasons
from models.watch import FailureSaid, Said

ENOUGH_BUILDS = 5
"""A failure rate over fewer builds than this is not called a base rate."""
FailureCase = Case[FailurePredictor, BuildState]
Corrections = Latest[RunningCorrection]


class FailurePredictorService:
    """One replica of the failure-predictor deployment.

    Args:
        bench: What it works with.
    """

    def __init__(self, bench: Bench[FailurePredictor, BuildState]) -> None:
        self._bench = bench
        self._corrections: Corrections = Latest()

    async def predict(self, question: FailureQuestion) -> FailureAnswer:
        """Will it fail?"""
        return await self._bench.answer(
            question,
            lambda case: assess_risk(case, question, self._corrections),
            risk_said,
            kind="failure" if question.why else "failure, no reasons",
        )

    async def predict_many(
        self, questions: Sequence[Sent[FailureQuestion]]
    ) -> list[FailureAnswer | Exception]:
        """Answer several questions, each by itself."""
        return await answer_each(self.predict, questions)

    async def readiness(self) -> Readiness:
        """Say whether a version is loaded, and which."""
        return await self._bench.readiness()

    async def reconfigure(self, user_config: object) -> None:
        """Follow the version that the configuration names."""
        await self._bench.reconfigure(user_config)

    async def check_health(self) -> None:
        """Look whether another version is wanted."""
        await self._bench.check_health()


def risk_said(_case: FailureCase, answer: FailureAnswer) -> Said | None:
    """Return what of an answer is compared with how the build ended."""
    return FailureSaid(probability=answer.failure_probability)


def foretold_risk(case: FailureCase, corrections: Corrections) -> Said | None:
    """Return what the service would say of a build if somebody asked; `None` if it abstains."""
    answer = assess_risk(case, FailureQuestion(about=About(), why=False), corrections)
    return None if answer.abstained else risk_said(case, answer)


def assess_risk(
    case: FailureCase, question: FailureQuestion, corrections: Corrections
) -> FailureAnswer:
    """Predict whether a build fails, or say why not and how often builds fail.

    Args:
        case: Model, state and build.
        question: What is asked.
        corrections: Running calibrations made so far.
    """
    look = case.state.look_at(case.build)
    counts, needed = look.counts, case.model.min_history
    thin = why_thin(
        case.build.project, counts.project.builds, as_of=case.state.as_of, needed=needed
    )
    usual = base_rate(counts, question, otherwise=case.model.base_rate, thin=thin is not None)
    if thin:
        return _answer(case, usual, usual, "unknown", thin=thin)
    running = corrections.of(
        case.model,
        case.state.outcomes,
        lambda: case.model.running(case.build.project, case.state.outcomes),
    )
    probability = float(case.model.predict(look.row[None, :], running=running)[0])
    risk: RiskLevel = _RISKS[case.model.risk_level(probability)]
    if not question.why:
        return _answer(case, probability, usual, risk)
    facts = look.facts()
    reasons = failure_reasons(case.model.explain(look.row, running=running), facts)
    return _answer(
        case,
        probability,
        usual,
        risk,
        factors=tuple(
            FailureFactor(factor=r.factor, text=r.text, weight=r.effect) for r in reasons
        ),
        advice=tuple(precautions(reasons, facts, risk_level=risk)),
    )


def base_rate(counts: Counts, question: FailureQuestion, *, otherwise: float, thin: bool) -> float:
    """Return the share of earlier builds that failed.

    Args:
        counts: How builds have ended so far.
        question: May hold the caller's own figures; they are weighed in by their number of builds
            where the history is *thin*.
        otherwise: The share in training, where neither knows enough.
        thin: Whether the history is too thin to predict from.
    """
    own = next((t for t in (counts.pipeline, counts.project) if t.builds >= ENOUGH_BUILDS), Tally())
    sent = question.known_builds if thin and question.known_failure_rate is not None else 0
    builds = own.builds + sent
    if not builds:
        return otherwise
    return (own.failures + sent * (question.known_failure_rate or 0.0)) / builds


_RISKS: dict[str, RiskLevel] = {"low": "low", "medium": "medium", "high": "high"}


def _answer(  # noqa: PLR0913 - the parts of one answer
    case: FailureCase,
    probability: float,
    usual: float,
    risk: RiskLevel,
    *,
    thin: str | None = None,
    factors: tuple[FailureFactor, ...] = (),
    advice: tuple[str, ...] = (),
) -> FailureAnswer:
    return FailureAnswer(
        project_name=case.build.project,
        pipeline_id=case.build.pipeline,
        failure_probability=probability,
        risk_level=risk,
        base_rate=usual,
        contributing_factors=factors,
        recommendations=advice,
        confidence=None if thin else max(probability, 1 - probability),
        abstained=thin is not None,
        abstention_reason=thin,
        model_version=case.version,
        as_of=case.state.as_of,
    )
