"""What the HTTP API says about model versions and training jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStatus:
    """A version of a model.

    Attributes:
        version: Its number.
        created_at: When it was registered.
        aliases: `champion`, `previous`.
        scorecard: Metric -> value, on builds newer than any it has seen.
        rows: How many rows those were measured on.
        earned: What the gate said; `null` if it was not asked.
        gate: Its reasons, and who forced a promotion against them.
    """

    version: str
    created_at: datetime
    aliases: tuple[str, ...]
    scorecard: dict[str, float | None]
    rows: int
    earned: bool | None
    gate: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftStatus:
    """How far something has moved since the champion was trained.

    Attributes:
        psi: Population stability index, freed of what chance adds; below 0.1 is calm.
        where: What has moved most.
        rows: Builds that were compared with those of training.
    """

    psi: float
    where: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectWatch:
    """How good the champion has been for a project lately.

    Attributes:
        project: The project.
        builds: Newest finished builds that the figures are measured on.
        figures: Figure -> value; one with too few builds behind it is absent.
        feature_drift: Of the rows; `null` where it is not known.
        outcome_drift: Of durations and failures.
    """

    project: str
    builds: int
    figures: dict[str, float]
    feature_drift: DriftStatus | None = None
    outcome_drift: DriftStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowStatus:
    """A version that answers silently beside the champion.

    Attributes:
        version: Its number.
        builds_wanted: Finished builds on which it is to be compared.
        builds: Those that both have answered so far.
        promote_if_better: Whether it becomes champion then, if the gate agrees.
        champion_scorecard: The champion's metrics on these builds.
        shadow_scorecard: Its own.
    """

    version: str
    builds_wanted: int
    builds: int
    promote_if_better: bool
    champion_scorecard: dict[str, float | None]
    shadow_scorecard: dict[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWatch:
    """How a model does on live builds: its champion by project, and its shadow."""

    projects: tuple[ProjectWatch, ...] = ()
    shadow: ShadowStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """A model and its versions.

    Attributes:
        model: Its name in paths.
        champion: The promoted version.
        previous: The version that a rollback returns to.
        serving: The version that the replica that was asked has loaded.
        versions: All of them, newest first.
        watching: How the champion has done lately, by project.
        shadow: The version that answers silently beside it.
    """

    model: str
    champion: str | None
    previous: str | None
    serving: str | None
    versions: tuple[VersionStatus, ...]
    watching: tuple[ProjectWatch, ...] = ()
    shadow: ShadowStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsAnswer:
    """Every model."""

    models: tuple[ModelStatus, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAnswer:
    """A training job.

    Attributes:
        job_id: Its identifier, for `/models/jobs/{job_id}`.
        model: The model's name in paths.
        state: `queued`, `running`, `succeeded`, `failed`, `cancelled` or `skipped`.
        progress: Between 0 and 1.
        stage: What it is doing.
        detail: What came of it, or why it failed.
        created_at: When it was asked for.
        updated_at: When it last said something.
    """

    job_id: str
    model: str
    state: str
    progress: float
    stage: str
    detail: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsAnswer:
    """The newest training jobs."""

    jobs: tuple[JobAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLogAnswer:
    """A part of what a training job wrote, one JSON object a line.

    Attributes:
        job_id: The job.
        text: Whole lines.
        offset: Where they begin, in characters since the job began; what is older is not kept.
        next_offset: Ask for this next.
        more: Whether more is there or may come.
    """

    job_id: str
    text: str
    offset: int
    next_offset: int
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowStarted:
    """A version that answers silently beside the champion from now on.

    Attributes:
        model: The model's name in paths.
        version: Its number; replicas follow within seconds.
        builds: Finished builds on which it is compared with the champion.
    """

    model: str
    version: str
    builds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """The champion of a model after a promotion or a rollback.

    Attributes:
        model: The model's name in paths.
        version: Its champion now; replicas follow within seconds.
    """

    model: str
    version: str
