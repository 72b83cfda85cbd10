"""What the three recipes share: what they are given, what they give, and when they refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from devmind.errors import NotEnoughHistory
from models.bundle import Bundle, Manifest, TrainedRange, beside
from models.paired import RowScores
from models.scorecard import Scorecard
from training.drift_references import reference_file
from training.examples import Examples, Mask
from training.kinship import Kin
from training.soundness import refuse_impossible
from training.split import Split, SplitPolicy, older_than, split

OnStage = Callable[[str], None]
"""Told which stage begins: one of `STAGES`."""

STAGES = {
    "reading": 0.02,
    "features": 0.05,
    "fitting": 0.15,
    "calibrating": 0.45,
    "scoring": 0.55,
    "shipping": 0.60,
    "registering": 0.90,
    "gating": 0.97,
}
"""The stages of a training job, and how much of it is done when each begins.

What ships is fitted and calibrated once more, all of it within `shipping`.
"""


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
        kin: Projects that share commits, and so do not lend each other rows.
        policy: How time is split.
    """

    folder: Path
    shards: int
    needed: int
    now: datetime
    code_version: str
    groups: Mapping[str, tuple[str, ...]]
    on_stage: OnStage
    kin: Kin = field(default_factory=dict)
    policy: SplitPolicy = field(default_factory=SplitPolicy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """How a model did on held-out builds.

    Attributes:
        card: In numbers that are kept.
        rows: Row by row, to be compared with another model's.
    """

    card: Scorecard
    rows: RowScores


class Score(Protocol):
    """Scores a bundle on held-out builds."""

    def __call__(self, bundle: Bundle, project: str | None = None) -> Scored:
        """Score *bundle* on all held-out builds, or on those of *project*.

        Raises:
            FeatureSchemaMismatch: If it was trained on other features.
            CorruptBundle: If it holds another model, or lacks a file.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a recipe makes of everything known, not yet scored.

    Attributes:
        manifest: Calibration, thresholds and `learned_until` included; no metrics.
        files: The model's files.
    """

    manifest: Manifest
    files: Mapping[str, bytes]

    @property
    def bundle(self) -> Bundle:
        """The model as a bundle in memory, so that what is measured is what would be served."""
        return draft_bundle(self.manifest, self.files)


Learn = Callable[[Examples, Setting], Learned]
"""Learns from everything known; chooses and calibrates on its newer part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A model version, not yet written: what ships, with what was scored beside it.

    Attributes:
        manifest: Its manifest, calibration and metrics included.
        files: Its files, those of the scored model among them (`Bundle.scored`).
        scorecard: How the scored model did on the newest builds.
        rows: The same, row by row.
        score: Scores any bundle of the model on those very builds, or on those of one project, by
            the model in it that has not learned from them.
    """

    manifest: Manifest
    files: Mapping[str, bytes]
    scorecard: Scorecard
    rows: RowScores
    score: Score


def train_with(
    examples: Examples,
    setting: Setting,
    *,
    learn: Learn,
    score: Callable[[Bundle, Examples, Mask], Scored],
    what: str,
) -> Trained:
    """Carry out a recipe: score it on the newest builds, then ship it with what they teach.

    Args:
        examples: All rows.
        setting: Where and how.
        learn: The recipe.
        score: Scores a bundle on the rows of a mask (n,), given all rows: what had finished by
            then may be used as a service would.
        what: What a row is about, for messages.

    Raises:
        InvalidInput: If a feature is infinite, or an outcome is not a finite number.
        NotEnoughHistory: If there are too few builds to fit, calibrate and score.
    """
    refuse_impossible(examples)
    test = split_enough(examples, setting, what=what).test
    scored = learn(examples.where(older_than(examples, test)), setting)

    def score_of(bundle: Bundle, project: str | None = None) -> Scored:
        bundle.check(scored.manifest.model, examples.names)  # what ships must fit, too
        own = test if project is None else test & (examples.project == project)
        return score(bundle.scored(), examples, np.asarray(own, dtype=np.bool_))

    setting.on_stage("scoring")
    measured = score_of(scored.bundle)
    setting.on_stage("shipping")
    again = replace(
        setting,
        folder=setting.folder / "shipped",
        on_stage=lambda _stage: setting.on_stage("shipping"),  # where a cancelled job ends
    )
    shipped = learn(examples, again)
    return Trained(
        manifest=msgspec.structs.replace(shipped.manifest, metrics=measured.card.metrics),
        files={
            **shipped.files,
            **reference_file(examples),
            **beside(scored.manifest, scored.files),
        },
        scorecard=measured.card,
        rows=measured.rows,
        score=score_of,
    )


def inner_split(known: Examples, setting: Setting) -> Split:
    """Split all that is known: older rows to fit an inner model, newer ones to choose by."""
    return split(known, replace(setting.policy, test_share=0.0))


def learned_until(known: Examples) -> dict[str, int]:
    """Return each project's newest event that *known* tells of."""
    return {
        project: int(known.known_at[known.project == project].max()) for project in known.projects
    }


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
        learned_until=learned_until(learned),
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
