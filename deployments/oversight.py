"""Looking over all models: rolling figures, drift, shadows, and retraining what has become worse.

Everything here is read from the database and the registry, so every replica of the history comes to
the same figures; one of them at a time acts on them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec
import structlog

from deployments.lifecycle_answers import DriftStatus, ModelWatch, ProjectWatch, ShadowStatus
from deployments.metrics import Metrics
from deployments.shadows import Shadows
from devmind.errors import AlreadyRunning, DevMindError
from history.jobs import TrainingJob
from history.predicted import Prediction, Watch
from models.names import CHAMPION, MODELS, in_paths
from models.scorecard import Scorecard
from models.versions import VersionSummary
from models.watch import decode, decode_outcome
from models.watch_figures import Figures, rolling
from models.watch_policy import decide_retraining

log = structlog.get_logger(__name__)

LEASE_S = 60.0
PROJECTS = 200
"""Projects of which figures are kept: those where something happened last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPolicy:
    """What is done with the figures.

    Attributes:
        window: Newest finished builds of a project that they are measured on.
        auto_retrain: Whether a model that has become worse is trained again.
        threshold: How many times the promised error is too much.
    """

    window: int = 200
    auto_retrain: bool = False
    threshold: float = 1.25


class Predictions(Protocol):
    """The part of `PredictionStore` that is needed here; every call blocks."""

    def scored(self, model: str, project: str, version: str, *, limit: int) -> list[Prediction]:
        """Return the newest predictions whose outcome is known."""

    def watches(self, model: str) -> dict[str, Watch]:
        """Return how far each project has been watched."""

    def lease(self, name: str, holder: str, *, now: datetime, for_s: float) -> bool:
        """Take or renew a lease."""

    def forget_unlinked(self, *, now: datetime) -> int:
        """Drop predictions whose build never came."""


class Versions(Protocol):
    """The part of the registry that is needed here; every call blocks."""

    def versions(self, model: str) -> list[VersionSummary]:
        """Return all versions."""


class Jobs(Protocol):
    """The part of `JobStore` that is needed here; every call blocks."""

    def list(self, model: str | None = None, limit: int = 50) -> list[TrainingJob]:
        """Return the newest jobs."""


class Oversight:
    """Looks over all models.

    Args:
        predictions: What was said and what came.
        versions: The registry.
        jobs: The training jobs.
        shadows: Compares shadows with their champions.
        retrain: Starts a training job of a model, for a reason.
        metrics: Shows the figures.
        policy: What is done with them.
        now: The time, aware UTC.
        holder: Names this replica.
    """

    def __init__(  # noqa: PLR0913 - all by keyword, each a part of its own
        self,
        *,
        predictions: Predictions,
        versions: Versions,
        jobs: Jobs,
        shadows: Shadows,
        retrain: Callable[[str, str], object],
        metrics: Metrics,
        policy: WatchPolicy,
        now: Callable[[], datetime],
        holder: str,
    ) -> None:
        self._predictions, self._versions, self._jobs = predictions, versions, jobs
        self._shadows, self._retrain = shadows, retrain
        self._metrics, self._policy = metrics, policy
        self._now, self._holder = now, holder
        self._known: dict[tuple[str, str], tuple[str, int, Figures]] = {}
        self._looking: asyncio.Task[None] | None = None

    def look_soon(self) -> asyncio.Task[None]:
        """Start to look unless that is under way; never blocks."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(asyncio.to_thread(self.look))
        return self._looking

    def look(self) -> None:
        """Show the figures, compare shadows, retrain what has become worse; never raises."""
        try:
            now = self._now()
            if self._predictions.lease("oversight", self._holder, now=now, for_s=LEASE_S):
                self._predictions.forget_unlinked(now=now)
                for model in MODELS:
                    self._look_at(model)
        except DevMindError as error:
            log.warning("not looked over", why=str(error))
        except Exception:
            log.exception("not looked over")

    def watch(self, model: str, versions: list[VersionSummary]) -> ModelWatch:
        """Return the figures of a model's champion and what its shadow does."""
        champion = next((v for v in versions if CHAMPION in v.aliases), None)
        projects = {} if champion is None else self._figures(model, champion)
        marks = self._predictions.watches(model)
        found = tuple(
            ProjectWatch(
                project=project,
                builds=int(figures["builds"]),
                figures={name: value for name, value in figures.items() if name != "builds"},
                **_drifts(marks[project], champion.version if champion else ""),
            )
            for project, figures in sorted(projects.items())
            if project in marks
        )
        return ModelWatch(projects=found, shadow=self._shadow(model, champion))

    def _shadow(self, model: str, champion: VersionSummary | None) -> ShadowStatus | None:
        return self._shadows.status(model, None if champion is None else champion.version)

    def _look_at(self, model: str) -> None:
        versions = self._versions.versions(model)
        champion = next((v for v in versions if CHAMPION in v.aliases), None)
        if champion is None:
            return
        figures = self._figures(model, champion)
        marks = self._predictions.watches(model)
        for project, found in figures.items():
            drift = _drifts(marks[project], champion.version) if project in marks else {}
            moved = {name: part.psi for name, part in drift.items() if part is not None}
            self._metrics.figures(model, project, {**found, **moved})
        self._shadows.look(model, champion.version)
        if self._policy.auto_retrain:
            self._retrain_if_worse(model, figures)

    def _figures(self, model: str, champion: VersionSummary) -> dict[str, Figures]:
        marks = sorted(self._predictions.watches(model).values(), key=lambda mark: mark.updated_at)
        return {
            mark.project: self._of_project(model, champion.version, champion.scorecard, mark)
            for mark in marks[-PROJECTS:]
        }

    def _of_project(self, model: str, version: str, card: Scorecard, mark: Watch) -> Figures:
        key = (model, mark.project)
        known = self._known.get(key)
        if known is not None and known[:2] == (version, mark.as_of):
            return known[2]
        rows = self._predictions.scored(model, mark.project, version, limit=self._policy.window)
        said = [
            (decode(model, row.body), decode_outcome(row.outcome))
            for row in rows
            if row.outcome is not None
        ]
        found = rolling(model, said, card, mark.project)
        self._known[key] = (version, mark.as_of, found)
        return found

    def _retrain_if_worse(self, model: str, figures: Mapping[str, Figures]) -> None:
        newest = self._jobs.list(model, limit=1)
        decision = decide_retraining(
            figures,
            threshold=self._policy.threshold,
            last_started_at=newest[0].created_at if newest else None,
            now=self._now(),
        )
        if not decision.start:
            return
        log.info("retraining", model=in_paths(model), why=decision.reason)
        try:
            self._retrain(in_paths(model), decision.reason)
        except AlreadyRunning:
            log.info("retraining is under way", model=in_paths(model))


def _drifts(mark: Watch, version: str) -> dict[str, DriftStatus | None]:
    """Return `feature_drift` and `outcome_drift` as a watcher of *version* has found them."""
    kept = msgspec.json.decode(mark.drift or b"{}")
    found = kept if kept.get("version") == version else {}
    return {
        name: DriftStatus(**found[name]) if found.get(name) else None
        for name in ("feature_drift", "outcome_drift")
    }
