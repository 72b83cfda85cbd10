"""What the three recipes share: what they are given, what they give, and when they refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from devmind.errors import NotEnoughHistory
from models.bundle import Bundle, Manifest, TrainedRange
from models.scorecard import Scorecard
from training.examples import Examples
from training.split import Split, SplitPolicy, split

OnStage = Callable[[str], None]
"""Told which stage begins: one of `STAGES`."""

STAGES = {
    "reading": 0.02,
    "features": 0.05,
    "fitting": 0.30,
    "calibrating": 0.80,
    "scoring": 0.85,
    "registering": 0.90,
    "gating": 0.97,
}
"""The stages of a training job, and how much of it is done when each begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where and how a recipe is carried out.

    Attributes:
        folder: For shards and checkpoints; every worker must reach it.
        shards: Into how many parts rows are dealt, one a worker.
        needed: Builds below which nothing is trained.
        now: When training began, aware UTC.
        code_version: Of the code that computed the features.
        groups: Group name -> feature names, for reasons.
        on_stage: Told which stage begins.
        policy: How time is split.
    """

    folder: Path
    shards: int
    needed: int
    now: datetime
    code_version: str
    groups: Mapping[str, tuple[str, ...]]
    on_stage: OnStage
    policy: SplitPolicy = field(default_factory=SplitPolicy)


class Score(Protocol):
    """Scores a bundle on held-out builds."""

    def __call__(self, bundle: Bundle, project: str | None = None) -> Scorecard:
        """Return the scorecard of *bundle* on all held-out builds, or on those of *project*."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A model version, not yet written.

    Attributes:
        manifest: Its manifest, calibration and metrics included.
        files: Its files.
        scorecard: How it did on the newest builds.
        score: Scores any bundle of the model on those very builds, or on those of one project.
    """

    manifest: Manifest
    files: Mapping[str, bytes]
    scorecard: Scorecard
    score: Score


def split_enough(examples: Examples, setting: Setting, *, what: str) -> Split:
    """Split *examples* by time.

    Raises:
        NotEnoughHistory: If there are too few builds to fit, calibrate and score.
    """
    builds = int(examples.builds()[-1]) + 1 if len(examples) else 0
    if builds < setting.needed:
        raise NotEnoughHistory(what, builds, setting.needed)
    parts = split(examples, setting.policy)
    for part in (parts.fit, parts.calibration, parts.test):
        if not part.any():
            raise NotEnoughHistory(f"{what} in one project", builds, setting.policy.needed)
    return parts


def of_project(test: Examples, project: str | None) -> Examples:
    """Return the rows of *project*, or all."""
    return test if project is None else test.where(np.asarray(test.project == project))


def draft_manifest(
    model: str, learned: Examples, setting: Setting, *, seed: int, config: dict[str, Any]
) -> Manifest:
    """Return a manifest without calibration and metrics.

    Args:
        model: Its name.
        learned: All rows that had a say: fitted, stopped or calibrated on.
        setting: Where it was trained.
        seed: Of everything random.
        config: The knobs, JSON values.
    """
    return Manifest(
        model=model,
        features=learned.names,
        trained_on=TrainedRange(
            first_queued_at=datetime.fromtimestamp(float(learned.queued_at.min()), tz=UTC),
            last_queued_at=datetime.fromtimestamp(float(learned.queued_at.max()), tz=UTC),
            projects=learned.projects,
            rows=len(learned),
        ),
        code_version=setting.code_version,
        seed=seed,
        created_at=setting.now,
        config=config,
        groups=dict(setting.groups),
        baseline=_typical(learned.rows),
    )


def draft_bundle(manifest: Manifest, files: Mapping[str, bytes]) -> Bundle:
    """Return a bundle in memory, so that what is scored is what will be served."""
    return Bundle(name=f"{manifest.model}/draft", manifest=manifest, files=files, seal="")


def _typical(rows: NDArray[np.float32]) -> tuple[float | None, ...]:
    known = np.isfinite(rows)
    return tuple(
        float(np.median(rows[known[:, i], i])) if known[:, i].any() else None
        for i in range(rows.shape[1])
    )
