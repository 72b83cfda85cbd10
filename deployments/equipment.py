"""What replicas are made of: settings to stores to benches, chosen here and nowhere else.

An `Equipment` travels to every replica; its functions are called there and never before, so that
no connection, no secret and no model is ever pickled.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from deployments.bench import Bench
from deployments.beside import Beside
from deployments.build_optimizer import Intervals, foretold_duration, usual_pipeline
from deployments.bundles import open_bundle
from deployments.drifting import build_drift, no_drift
from deployments.failure_predictor import Corrections, foretold_risk
from deployments.held_gauges import HeldGauges
from deployments.history_service import Desk
from deployments.intelligence import foretold_selection, only_pipeline
from deployments.job_metrics import JobMetrics
from deployments.latest import Latest
from deployments.lifecycle import Lifecycle
from deployments.live_state import FoldedState, LiveStates
from deployments.metrics import Instruments, Metrics
from deployments.model_slot import ModelSlot, Versions
from deployments.oversight import Oversight, WatchPolicy
from deployments.recording import Recorder
from deployments.remembering import Remembering
from deployments.resolve import Resolver
from deployments.shadows import Shadows
from deployments.training_jobs import Runner, TrainingJobs
from deployments.warming import Warmer
from deployments.watched_states import WatchedStates
from deployments.watching import Eyes, Watchable, Watcher
from devmind.errors import HistoryUnavailable
from devmind.settings import ServerSettings
from features.build_state import BuildState
from features.verdict_state import TestState
from history.open import open_history, open_jobs, open_predictions
from models.build_optimizer import BuildOptimizer
from models.bundle import Bundle
from models.failure_predictor import FailurePredictor
from models.intelligence import TestIntelligence
from models.names import (
    BUILD_OPTIMIZER,
    CHAMPION,
    FAILURE_PREDICTOR,
    SHADOW,
    TEST_INTELLIGENCE,
)
from models.registry import Registry

M = TypeVar("M", bound=Watchable)
S = TypeVar("S", bound=FoldedState)
T = TypeVar("T")
log = structlog.get_logger(__name__)

PIPELINES_MAX_AGE_S = 30.0
WATCHED_SHARE = 8
"""One part in so many of the memory for states is the watcher's."""
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What replicas are made of.

    Attributes:
        settings: Reads the environment of the replica's process.
        instruments: Where metrics go.
        runner: Runs training jobs.
        listens_on: Returns the address that requests come in by, `None` if it is not known.
        projects: How many projects a model replica keeps in memory.
        coalesce: Whether questions that wait together share a call to a model.
    """

    settings: Callable[[], ServerSettings]
    instruments: Callable[[], Instruments]
    runner: Callable[[], Runner]
    listens_on: Callable[[], str | None]
    projects: int = 200
    coalesce: bool = True

    def history(self) -> Desk:
        """Make what the history deployment works with."""
        settings = self.settings()
        store = patiently(lambda: open_history(settings.database))
        jobs = patiently(lambda: open_jobs(settings.database))
        registry = Registry(settings.tracking_uri, settings.artifacts)
        gauges = HeldGauges(self.instruments())
        metrics = Metrics(gauges)
        predictions = patiently(lambda: open_predictions(settings.database))

        def retrain(model: str, reason: str) -> None:
            lifecycle.retrain(model, promote_if_better=True, reason=reason)

        oversight = Oversight(
            predictions=predictions,
            versions=registry,
            jobs=jobs,
            shadows=Shadows(pairs=predictions, aliases=registry, metrics=metrics),
            retrain=retrain,
            metrics=metrics,
            policy=WatchPolicy(
                window=settings.watch_window,
                auto_retrain=settings.auto_retrain,
                threshold=settings.retrain_threshold,
            ),
            now=utc_now,
            holder=uuid.uuid4().hex,
        )
        every_h = settings.retrain_every_h
        training = TrainingJobs(
            jobs=jobs,
            runner=self.runner(),
            now=utc_now,
            new_id=job_id,
            metrics=JobMetrics(gauges),
            every=timedelta(hours=every_h) if every_h else None,
        )
        lifecycle = Lifecycle(
            versions=registry,
            training=training,
            now=utc_now,
            watch=oversight.watch,
        )
        recorder = Recorder(store, metrics=metrics, now=utc_now)
        return Desk(
            overview=store,
            recorder=recorder,
            lifecycle=lifecycle,
            oversight=oversight,
            gauges=gauges,
        )

    def build_optimizer(self, versions: Versions) -> Bench[BuildOptimizer, BuildState]:
        """Make what the build-optimizer deployment works with."""

        def load(bundle: Bundle) -> BuildOptimizer:
            return BuildOptimizer.load(bundle, BuildState.names)

        intervals: Intervals = Latest()
        eyes = Eyes(tell=lambda case: foretold_duration(case, intervals), drift=build_drift)
        slot = (BUILD_OPTIMIZER, versions, load)
        return self._bench(slot, BuildState, usual_pipeline, eyes)

    def failure_predictor(self, versions: Versions) -> Bench[FailurePredictor, BuildState]:
        """Make what the failure-predictor deployment works with."""

        def load(bundle: Bundle) -> FailurePredictor:
            return FailurePredictor.load(bundle, BuildState.names)

        corrections: Corrections = Latest()
        eyes = Eyes(tell=lambda case: foretold_risk(case, corrections), drift=build_drift)
        slot = (FAILURE_PREDICTOR, versions, load)
        return self._bench(slot, BuildState, usual_pipeline, eyes)

    def test_intelligence(self, versions: Versions) -> Bench[TestIntelligence, TestState]:
        """Make what the test-intelligence deployment works with."""

        def load(bundle: Bundle) -> TestIntelligence:
            return TestIntelligence.load(bundle, TestState.names)

        def names(state: TestState, numbers: NDArray[np.int32]) -> list[str]:
            return state.tests.names(numbers)

        eyes = Eyes(tell=foretold_selection, drift=no_drift, names=names)
        slot = (TEST_INTELLIGENCE, versions, load)
        return self._bench(slot, TestState, only_pipeline, eyes)

    def _bench(
        self,
        slot: tuple[str, Versions, Callable[[Bundle], M]],
        kind: type[S],
        usual: Callable[[S, tuple[str, ...], datetime], str],
        eyes: Eyes[M, S],
    ) -> Bench[M, S]:
        settings, metrics = self.settings(), Metrics(self.instruments())
        store = patiently(lambda: open_history(settings.database))
        predictions = patiently(lambda: open_predictions(settings.database))
        name, versions, load = slot

        def following(alias: str) -> ModelSlot[M]:
            return ModelSlot(
                name=name,
                versions=versions,
                load=lambda packed, shown: load(open_bundle(packed, shown)),
                metrics=metrics,
                clock=time.monotonic,
                wanted=alias,
            )

        serving, shadow = following(CHAMPION), following(SHADOW)
        watched_bytes = settings.states_mib * 2**20 // WATCHED_SHARE
        states = LiveStates(
            history=store,
            kind=kind,
            max_age_s=settings.state_max_age_s,
            capacity=self.projects,
            clock=time.monotonic,
            max_bytes=settings.states_mib * 2**20 - watched_bytes,
        )
        memory = Remembering(predictions, metrics=metrics)
        return Bench(
            slot=serving,
            states=states,
            resolver=Resolver(store, max_age_s=PIPELINES_MAX_AGE_S, clock=time.monotonic),
            usual_pipeline=usual,
            metrics=metrics,
            now=utc_now,
            beside=Beside(
                shadow=shadow, states=states, memory=memory, metrics=metrics, now=utc_now
            ),
            watcher=Watcher(
                slot=serving,
                shadow=shadow,
                eyes=eyes,
                states=WatchedStates(store, kind, max_bytes=watched_bytes),
                history=store,
                book=predictions,
                memory=memory,
                metrics=metrics,
                now=utc_now,
                holder=uuid.uuid4().hex,
            ),
            warmer=Warmer(states=states, newest=store.newest_projects, clock=time.monotonic),
        )


def utc_now() -> datetime:
    """Return the time, aware UTC."""
    return datetime.now(UTC)


def job_id(model: str) -> str:
    """Name a new job of *model*: sortable by time, and unique."""
    return f"{model}-{utc_now():%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"


def patiently(make: Callable[[], T]) -> T:
    """Return what *make* makes; a database that starts beside the service is waited for.

    Raises:
        HistoryUnavailable: If it does not answer in a minute.
    """
    deadline, wait_s = time.monotonic() + _PATIENCE_S, 0.5
    while True:
        try:
            return make()
        except HistoryUnavailable as error:
            if time.monotonic() + wait_s > deadline:
                raise
            log.warning("waiting for the history", why=str(error))
        time.sleep(wait_s)
        wait_s = min(2 * wait_s, 5.0)
