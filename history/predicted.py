"""What was predicted for builds, how far it has been compared with what came, and what is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from history.linking import Told

Role = Literal["champion", "shadow"]
MadeBy = Literal["service", "watcher"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a version of a model said of a build.

    Attributes:
        model: One of `models.names.MODELS`.
        version: Which version said it.
        role: Whether it was given as the answer, or beside it.
        made_by: Whether a caller asked, or nobody did.
        made_at: When, aware UTC.
        as_of: Number of the newest event of the project that it rests on.
        project: The project.
        pipeline: The pipeline.
        branch: The branch, to find the build by; empty where it is not known.
        commit: The commit, likewise.
        build_id: The recorded build, `None` while it is not known which.
        body: What was said.
        known_at: Number of the event that told the outcome, `None` before.
        outcome: What came of it.
    """

    model: str
    version: str
    role: Role
    made_by: MadeBy
    made_at: datetime
    as_of: int
    project: str
    pipeline: str = ""
    branch: str = ""
    commit: str = ""
    build_id: str | None = None
    body: bytes
    known_at: int | None = None
    outcome: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How far a model's predictions for a project have been compared with what happened.

    Attributes:
        model: The model.
        project: The project.
        as_of: The newest event that was looked at.
        drift: How far rows and outcomes have moved; opaque here.
        updated_at: When it was looked at last.
    """

    model: str
    project: str
    as_of: int
    drift: bytes
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What watching a few more events of a project has brought.

    Attributes:
        model: The model.
        project: The project.
        before: Up to where had been looked before; `None` the first time.
        after: Up to where has been looked now.
        drift: As in `Watch`.
        made: What the watcher predicted for itself.
        told: Builds whose outcome is known now.
        now: The time, aware UTC.
    """

    model: str
    project: str
    before: int | None
    after: int
    drift: bytes
    made: Sequence[Prediction]
    told: Sequence[Told]
    now: datetime
