"""What the models answer. Field names are those of the HTTP API; times are seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

RiskLevel = Literal["low", "medium", "high", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationReason:
    """Why a duration is what it is.

    Attributes:
        factor: Group of features.
        text: The same in words, with numbers.
        effect_s: Seconds by which it moves the median from that of a typical build.
    """

    factor: str
    text: str
    effect_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationAnswer:
    """How long a build will take.

    Attributes:
        project_name: The project.
        pipeline_id: The pipeline that was assumed or asked about.
        p10_s: One build in ten is faster.
        p50_s: The median.
        p90_s: One build in ten is slower.
        interval: Share of builds that should fall between `p10_s` and `p90_s`.
        confidence: Share of held-out builds that did, when this version was measured; `null`
            where the answer is not the model's own.
        abstained: Whether history is too thin; the numbers are then those of all builds the model
            knows, or of the durations the caller sent.
        abstention_reason: Why, if it abstained.
        reasons: What moved the median, largest first.
        model_version: Which version answered.
        as_of: Sequence of the newest recorded event that was taken into account.
    """

    project_name: str
    pipeline_id: str
    p10_s: float | None
    p50_s: float | None
    p90_s: float | None
    interval: float
    confidence: float | None
    abstained: bool
    abstention_reason: str | None
    reasons: tuple[DurationReason, ...]
    model_version: str
    as_of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RemainingAnswer:
    """How much longer a running build takes.

    Attributes:
        project_name: The project.
        pipeline_id: The pipeline that was assumed or asked about.
        elapsed_s: For how long it has run, as the answer takes it.
        p10_s: One such build in ten needs less from now on.
        p50_s: The median of what it needs.
        p90_s: One such build in ten needs more.
        interval: Share of builds that should need between `p10_s` and `p90_s`.
        expected_end_at: Now and the median.
        share_done: Elapsed time as a part of the expected total.
        waits_for: The job expected to end last; `null` where jobs are not known.
        later_than_usual: Whether it has lasted longer than nine such builds in ten.
        basis: What the answer rests on, in words.
        abstained: Whether history is too thin; the numbers are then those of all builds the model
            knows.
        abstention_reason: Why, if it abstained.
        model_version: Which version answered.
        as_of: Sequence of the newest recorded event that was taken into account.
    """

    project_name: str
    pipeline_id: str
    elapsed_s: float
    p10_s: float
    p50_s: float
    p90_s: float
    interval: float
    expected_end_at: datetime
    share_done: float
    waits_for: str | None
    later_than_usual: bool
    basis: str
    abstained: bool
    abstention_reason: str | None
    model_version: str
    as_of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimization:
    """One thing that would make builds faster.

    Attributes:
        type: Kind of recommendation.
        description: What to do, with the numbers that say so.
        impact: `high`, `medium` or `low`, by its share of the build's time.
        saves_s: Expected seconds saved a build.
        evidence: Identifiers of builds that show it.
    """

    type: str
    description: str
    impact: str
    saves_s: float
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizationAnswer(DurationAnswer):
    """How long a build will take, and what would make it faster.

    Attributes:
        recommended_strategy: Type of the recommendation that saves most, or `keep`.
        estimated_build_time: `p50_s` by its older name: seconds as things are.
        estimated_savings: Seconds saved by all recommendations together, never more than the
            median.
        optimizations: Recommendations, the largest saving first.
        confidence_score: `confidence` by its older name.
    """

    recommended_strategy: str
    estimated_build_time: float | None
    estimated_savings: float
    optimizations: tuple[Optimization, ...]
    confidence_score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureFactor:
    """Why a failure is more or less likely.

    Attributes:
        factor: Group of features.
        text: The same in words, with numbers.
        weight: By how much it moves the probability from that of a typical build.
    """

    factor: str
    text: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureAnswer:
    """Whether a build will fail.

    Attributes:
        project_name: The project.
        pipeline_id: The pipeline.
        failure_probability: Calibrated; the base rate where it abstained.
        risk_level: By thresholds chosen on past builds; `unknown` where it abstained.
        base_rate: Share of earlier builds that failed: of this pipeline, else of the project, else
            of all builds the model was trained on.
        contributing_factors: What moved the probability, largest first.
        recommendations: What to do about it.
        confidence: Probability that the more likely outcome comes, `max(p, 1 - p)` of the
            calibrated probability; `null` where it abstained.
        abstained: Whether history is too thin to say more than the base rate.
        abstention_reason: Why, if it abstained.
        model_version: Which version answered.
        as_of: Sequence of the newest recorded event that was taken into account.
    """

    project_name: str
    pipeline_id: str
    failure_probability: float
    risk_level: RiskLevel
    base_rate: float
    contributing_factors: tuple[FailureFactor, ...]
    recommendations: tuple[str, ...]
    confidence: float | None
    abstained: bool
    abstention_reason: str | None
    model_version: str
    as_of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionReason:
    """Why a test is in.

    Attributes:
        test: Its name.
        why: In words.
        probability: That it fails in this build; `null` where the model knows nothing of it.
    """

    test: str
    why: str
    probability: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionAnswer:
    """Which tests are worth running for a change.

    Attributes:
        project_name: The project.
        commit_hash: The commit that was asked about.
        total_tests: How many tests there are.
        selected_tests: Names, in the order in which to run them.
        skipped_tests: The rest.
        estimated_time_savings: Seconds of test time.
        estimated_time_savings_share: The same as a share of the time of all tests.
        coverage_retention: Expected share of the failing tests that are in the selection, as
            measured on past builds; 1 when nothing is left out, `null` where nobody measured it.
        confidence: The highest recall that measurement can promise at all: n / (n + 1) for the n
            past builds with failing tests it was measured on; `null` where there were none.
        expected_miss_rate: Share of the builds with a failing test that go through with no failing
            test caught, as realised on the project's past failing builds, none of which the model
            had learned from: for a `miss_rate` target each was answered by what was known before
            it, for another target by a subset that claims as much. 0 when nothing is left out,
            `null` where nobody measured it.
        failing_builds: How many past failing builds that share is of.
        run_all: Whether everything should run.
        run_all_reason: Why, if so.
        reasons: Why tests are in, for the first of them.
        remark: What the caller should know, such as a budget that cannot be kept, or how a stated
            miss rate was kept on past builds.
        abstained: Whether it runs all because it knows too little.
        model_version: Which version answered.
        as_of: Sequence of the newest recorded event that was taken into account.
    """

    project_name: str
    commit_hash: str
    total_tests: int
    selected_tests: tuple[str, ...]
    skipped_tests: tuple[str, ...]
    estimated_time_savings: float
    estimated_time_savings_share: float
    coverage_retention: float | None
    confidence: float | None
    run_all: bool
    run_all_reason: str | None
    reasons: tuple[SelectionReason, ...]
    remark: str | None
    abstained: bool
    model_version: str
    as_of: int
    expected_miss_rate: float | None = None
    failing_builds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessAnswer:
    """All three predictions for one build; a part that could not be made is `null`.

    Attributes:
        project_name: The project.
        duration: How long it will take.
        failure: Whether it will fail.
        tests: Which tests are worth running; `null` too where none are known.
        errors: Part -> why it is missing.
    """

    project_name: str
    duration: DurationAnswer | None
    failure: FailureAnswer | None
    tests: SelectionAnswer | None
    errors: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether a part of the service can answer, and if not, why."""

    ready: bool
    reason: str = ""
    version: str | None = None
