"""What a service answers.

Fields that this version does not know are kept, not refused: a service may be newer than the
client of a CI job.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """Base of all answers; `as_json` gives back what was sent."""

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())

    def as_json(self) -> dict[str, Any]:
        """Return the answer as JSON fields, only those that were sent."""
        return self.model_dump(mode="json", exclude_unset=True)


class EventReceipt(Answer):
    """An event is in the history, durably."""

    build_id: str
    sequence: int
    repeated: bool = False


class ReportReceipt(EventReceipt):
    """A test report is in the history, durably."""

    tests: int = 0
    failed: int = 0
    skipped: int = 0


class BatchReceipt(Answer):
    """A batch of events is in the history, durably."""

    recorded: int
    repeated: int
    last_sequence: int


class ProjectStatus(Answer):
    """How much of a project is recorded."""

    project: str
    last_sequence: int = 0
    builds: int = 0
    finished: int = 0
    tests: int = 0


class Reason(Answer):
    """Why a prediction is what it is; a duration's has `effect_s`, a risk's `weight`."""

    factor: str = ""
    text: str = ""
    effect_s: float | None = None
    weight: float | None = None


class Prediction(Answer):
    """What all predictions say about themselves."""

    project_name: str = ""
    pipeline_id: str | None = None
    abstained: bool = False
    abstention_reason: str | None = None
    model_version: str | None = None
    as_of: int | None = None


class DurationPrediction(Prediction):
    """How long a build will take, in seconds: median and interval."""

    p10_s: float | None = None
    p50_s: float | None = None
    p90_s: float | None = None
    interval: float | None = None
    confidence: float | None = None
    reasons: tuple[Reason, ...] = ()


class RemainingPrediction(Prediction):
    """How much longer a running build takes, in seconds: median and interval."""

    elapsed_s: float | None = None
    p10_s: float | None = None
    p50_s: float | None = None
    p90_s: float | None = None
    interval: float | None = None
    expected_end_at: datetime | None = None
    share_done: float | None = None
    waits_for: str | None = None
    later_than_usual: bool = False
    basis: str = ""


class Advice(Answer):
    """One thing that would make builds faster, with the builds that show it."""

    type: str
    description: str
    impact: str | None = None
    saves_s: float | None = None
    evidence: tuple[str, ...] = ()


class Optimization(DurationPrediction):
    """A prediction with what would make the build faster."""

    recommended_strategy: str | None = None
    estimated_build_time: float | None = None
    estimated_savings: float | None = None
    optimizations: tuple[Advice, ...] = ()
    confidence_score: float | None = None


class FailurePrediction(Prediction):
    """How probable it is that a build fails, and why."""

    failure_probability: float | None = None
    risk_level: str = "unknown"
    base_rate: float | None = None
    contributing_factors: tuple[Reason, ...] = ()
    recommendations: tuple[str, ...] = ()
    confidence: float | None = None


class TestReason(Answer):
    """Why a test was selected."""

    test: str
    why: str = ""
    probability: float | None = None

    __test__ = False  # pytest would take it for a test class


class TestSelection(Prediction):
    """Which tests to run for a change, which not, and what that saves."""

    commit_hash: str = ""
    total_tests: int = 0
    selected_tests: tuple[str, ...] = ()
    skipped_tests: tuple[str, ...] = ()
    estimated_time_savings: float | None = None
    estimated_time_savings_share: float | None = None
    coverage_retention: float | None = None
    confidence: float | None = None
    expected_miss_rate: float | None = None
    failing_builds: int = 0
    run_all: bool = False
    run_all_reason: str | None = None
    reasons: tuple[TestReason, ...] = ()
    remark: str | None = None

    __test__ = False  # pytest would take it for a test class


class Assessment(Answer):
    """All three predictions; what could not be answered is `None` and named in `errors`."""

    project_name: str = ""
    duration: DurationPrediction | None = None
    failure: FailurePrediction | None = None
    tests: TestSelection | None = None
    errors: dict[str, str] = {}


class ModelVersion(Answer):
    """One registered version of a model."""

    version: str
    created_at: datetime | None = None
    aliases: tuple[str, ...] = ()
    scorecard: dict[str, float | None] = {}
    rows: int | None = None
    earned: bool | None = None
    gate: tuple[str, ...] = ()


class ModelCard(Answer):
    """What a version was trained on, what it is worth and where it is weak."""

    model: str
    created_at: datetime | None = None
    trained_on: dict[str, Any] = {}
    measured_on: dict[str, Any] = {}
    metrics: dict[str, float | None] = {}
    baselines: dict[str, dict[str, float | None]] = {}
    groups: tuple[dict[str, Any], ...] = ()
    limits: tuple[str, ...] = ()


class Drift(Answer):
    """How far something has moved since a model was trained."""

    psi: float
    where: str = ""
    rows: int = 0


class ProjectWatch(Answer):
    """How good a champion has been for a project lately."""

    project: str
    builds: int = 0
    figures: dict[str, float] = {}
    feature_drift: Drift | None = None
    outcome_drift: Drift | None = None


class ShadowStatus(Answer):
    """A version that answers silently beside the champion."""

    version: str
    builds_wanted: int = 0
    builds: int = 0
    promote_if_better: bool = False
    champion_scorecard: dict[str, float | None] = {}
    shadow_scorecard: dict[str, float | None] = {}


class ModelStatus(Answer):
    """Versions of a model: which is champion, which was, which is served, and how it does."""

    model: str
    champion: str | None = None
    previous: str | None = None
    serving: Any = None
    versions: tuple[ModelVersion, ...] = ()
    watching: tuple[ProjectWatch, ...] = ()
    shadow: ShadowStatus | None = None


class JobStatus(Answer):
    """A training job."""

    job_id: str
    model: str
    state: str
    progress: float | None = None
    stage: str | None = None
    detail: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in ("succeeded", "failed", "cancelled", "skipped")


class JobLog(Answer):
    """A page of what a training job wrote, one JSON object a line."""

    job_id: str
    text: str = ""
    offset: int = 0
    next_offset: int = 0
    more: bool = False


class PromotedVersion(Answer):
    """The version that is champion now."""

    model: str
    version: str


class Readiness(Answer):
    """Whether the service answers questions, and if not, why not."""

    ready: bool
    reasons: tuple[str, ...] = ()


class ServiceInformation(Answer):
    """What a service says about itself."""

    service: str
    version: str
    environment: str = ""
