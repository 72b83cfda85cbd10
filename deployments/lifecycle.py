"""Model versions: asks the gate, moves aliases, rolls back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

import structlog

from deployments.lifecycle_answers import (
    JobAnswer,
    ModelStatus,
    ModelWatch,
    Promoted,
    ShadowStarted,
    VersionStatus,
)
from deployments.training_jobs import TrainingJobs, Wanted, known_model
from devmind.errors import InvalidInput, NotFound, PromotionRefused
from models.bundle import pack, read_bundle
from models.card import CARD, PAGE
from models.gate import POLICIES, Decision, decide
from models.names import CHAMPION, MODELS, PREVIOUS, in_paths
from models.scorecard import Scorecard
from models.shadowing import Shadowing
from models.versions import VersionSummary

log = structlog.get_logger(__name__)


class Versions(Protocol):
    """The part of `models.registry.Registry` that is needed here; every call blocks."""

    def champion(self, model: str) -> str | None:
        """Return the promoted version."""

    def versions(self, model: str) -> list[VersionSummary]:
        """Return all versions, newest first."""

    def promote(self, model: str, version: str) -> None:
        """Make a version the champion."""

    def rollback(self, model: str) -> str:
        """Swap champion and previous."""

    def record_decision(self, model: str, version: str, decision: Decision) -> None:
        """Write the gate's decision beside a version."""

    def shadow(self, model: str) -> str | None:
        """Return the version that answers silently beside the champion."""

    def start_shadow(self, model: str, shadowing: Shadowing) -> None:
        """Let a version answer silently beside the champion."""

    def fetch(self, model: str, version: str, into: Path) -> Path:
        """Copy a version's bundle to a folder."""


class Lifecycle:
    """What can be done with models.

    Args:
        versions: The registry.
        now: The time, aware UTC.
        training: The training jobs.
        watch: How a model does on live builds, given its versions.

    Attributes:
        training: The training jobs.
    """

    def __init__(
        self,
        *,
        versions: Versions,
        training: TrainingJobs,
        now: Callable[[], datetime],
        watch: Callable[[str, list[VersionSummary]], ModelWatch] | None = None,
    ) -> None:
        self._watch = watch
        self._versions = versions
        self._now = now
        self.training = training

    def champion(self, model: str) -> str | None:
        """Return the promoted version, `None` when there is none."""
        return self._versions.champion(model)

    def shadow(self, model: str) -> str | None:
        """Return the version that answers silently beside the champion, `None` without one."""
        return self._versions.shadow(model)

    def start_shadow(
        self, model: str, version: str, *, builds: int, promote_if_better: bool, by: str
    ) -> ShadowStarted:
        """Let a version answer silently beside the champion, and compare both on live builds.

        Raises:
            NotFound: If there is no such model or version.
            InvalidInput: If it is the champion, or there is none to stand beside.
        """
        name = known_model(model)
        champion = self._versions.champion(name)
        if champion in (None, version):
            said = "It is the champion; name another." if champion else "There is no champion yet."
            raise InvalidInput("version", version, said)
        wanted = Shadowing(version=version, builds=builds, promote_if_better=promote_if_better)
        self._versions.start_shadow(name, wanted)
        log.info("shadow started", model=model, version=version, builds=builds, by=by)
        return ShadowStarted(model=model, version=version, builds=builds)

    def bundle(self, model: str, version: str) -> bytes:
        """Return a version's bundle, packed.

        Raises:
            NotFound: If there is no such version.
            CorruptBundle: If it is damaged.
        """
        with tempfile.TemporaryDirectory(prefix="devmind-bundle-") as folder:
            return pack(self._versions.fetch(model, version, Path(folder) / "bundle"))

    def card(self, model: str, version: str, *, page: bool) -> bytes:
        """Return the card of a version, as JSON or as an HTML *page*.

        Args:
            model: Its name in paths.
            version: The version, or `champion`.
            page: Which of the two.

        Raises:
            NotFound: If there is no such model or version, or it was registered without a card.
            CorruptBundle: If it is damaged.
        """
        name = known_model(model)
        wanted = self._versions.champion(name) if version == CHAMPION else version
        if wanted is None:
            raise NotFound("champion of", model, "Train and promote a version first.")
        with tempfile.TemporaryDirectory(prefix="devmind-card-") as folder:
            bundle = read_bundle(self._versions.fetch(name, wanted, Path(folder) / "bundle"))
        file = PAGE if page else CARD
        if file not in bundle.files:
            raise NotFound("card of", f"{model}/{wanted}", "It was registered without one.")
        return bundle.file(file)

    def status(self) -> list[ModelStatus]:
        """Return every model with its versions; which one is served is not known here."""
        return [self._status(model) for model in MODELS]

    def _status(self, model: str) -> ModelStatus:
        versions = self._versions.versions(model)
        watch = ModelWatch() if self._watch is None else self._watch(model, versions)
        return replace(_status(model, versions), watching=watch.projects, shadow=watch.shadow)

    def promote(self, model: str, version: str, *, force: bool, by: str) -> Promoted:
        """Make a version the champion if the gate agrees, or if it is forced.

        Args:
            model: Its name in paths.
            version: The version.
            force: Promote whatever the gate says; it is written beside the version who did.
            by: Holder of the key.

        Raises:
            NotFound: If there is no such model or version.
            PromotionRefused: If the gate says no, with its reasons.
        """
        name = known_model(model)
        found = self._versions.versions(name)
        wanted = next((v for v in found if v.version == version), None)
        if wanted is None:
            raise NotFound("version", f"{model}/{version}", "GET /models/status lists them.")
        if CHAMPION in wanted.aliases:
            return Promoted(model=model, version=version)
        decision = wanted.decision or decide(_champion(found), wanted.scorecard, POLICIES[name])
        if not decision.promote and not force:
            raise PromotionRefused(model, version, decision.reasons)
        self._versions.promote(name, version)
        if not decision.promote:
            reasons = (f"forced by {by} at {self._now():%Y-%m-%dT%H:%M:%SZ}", *decision.reasons)
            self._versions.record_decision(name, version, Decision(promote=False, reasons=reasons))
        log.info("promoted", model=model, version=version, by=by, forced=not decision.promote)
        return Promoted(model=model, version=version)

    def rollback(self, model: str, *, by: str) -> Promoted:
        """Make the previous champion the champion again.

        Raises:
            NotFound: If there is no such model, or nothing to return to.
        """
        version = self._versions.rollback(known_model(model))
        log.info("rolled back", model=model, version=version, by=by)
        return Promoted(model=model, version=version)

    def retrain(self, model: str, *, promote_if_better: bool, reason: str = "") -> JobAnswer:
        """Start a training job; *reason* is written into it. Errors as in `TrainingJobs.start`."""
        wanted = Wanted(promote_if_better=promote_if_better, reason=reason)
        return self.training.start(model, wanted)


def _champion(versions: list[VersionSummary]) -> Scorecard | None:
    return next((v.scorecard for v in versions if CHAMPION in v.aliases), None)


def _status(model: str, versions: list[VersionSummary]) -> ModelStatus:
    holders = {alias: v.version for v in versions for alias in v.aliases}
    return ModelStatus(
        model=in_paths(model),
        champion=holders.get(CHAMPION),
        previous=holders.get(PREVIOUS),
        serving=None,
        versions=tuple(_version(v) for v in versions),
    )


def _version(summary: VersionSummary) -> VersionStatus:
    decision = summary.decision
    return VersionStatus(
        version=summary.version,
        created_at=summary.created_at,
        aliases=summary.aliases,
        scorecard=dict(summary.scorecard.metrics),
        rows=summary.scorecard.measured_on.rows,
        gate=() if decision is None else decision.reasons,
        earned=None if decision is None else decision.promote,
    )
