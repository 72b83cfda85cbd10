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
class ModelStatus:
    """A model and its versions.

    Attributes:
        model: Its name in paths.
        champion: The promoted version.
        previous: The version that a rollback returns to.
        serving: The version that the replica that was asked has loaded.
        versions: All of them, newest first.
    """

    model: str
    champion: str | None
    previous: str | None
    serving: str | None
    versions: tuple[VersionStatus, ...]


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
        state: `queued`, `running`, `succeeded`, `failed` or `cancelled`.
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
class Promoted:
    """The champion of a model after a promotion or a rollback.

    Attributes:
        model: The model's name in paths.
        version: Its champion now; replicas follow within seconds.
    """

    model: str
    version: str
