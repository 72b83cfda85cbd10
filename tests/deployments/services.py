"""The three models' services in this process, on a real history and from packed bundles."""

import asyncio

from deployments.bench import Bench
from deployments.build_optimizer import BuildOptimizerService, usual_pipeline
from deployments.bundles import open_bundle
from deployments.failure_predictor import FailurePredictorService
from deployments.intelligence import TestIntelligenceService, only_pipeline
from deployments.live_state import LiveStates
from deployments.metrics import Metrics
from deployments.model_slot import ModelSlot
from deployments.resolve import Resolver
from features.build_state import BuildState
from features.verdict_state import TestState
from models.build_optimizer import BuildOptimizer
from models.failure_predictor import FailurePredictor
from models.intelligence import TestIntelligence
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE
from tests.deployments.fakes import Clock, Instruments

KINDS = {
    BUILD_OPTIMIZER: (BuildOptimizer, BuildState, usual_pipeline, BuildOptimizerService),
    FAILURE_PREDICTOR: (FailurePredictor, BuildState, usual_pipeline, FailurePredictorService),
    TEST_INTELLIGENCE: (TestIntelligence, TestState, only_pipeline, TestIntelligenceService),
}


class OneVersion:
    def __init__(self, body):
        self.body = body

    async def champion(self, _model):
        return None if self.body is None else "7"

    async def bundle(self, _model, _version):
        return self.body


def service_of(model, store, body, *, now, metrics=None, **more):
    """The service of *model* with the packed bundle *body*, without a version if it is `None`.

    Args:
        model: One of `KINDS`.
        store: The history.
        body: The packed bundle.
        now: When questions are asked.
        metrics: Counts answers; thrown away by default.
        more: Other parts of its bench.
    """
    predictor, state, usual, service = KINDS[model]
    metrics = metrics or Metrics(Instruments())
    slot = ModelSlot(
        name=model,
        versions=OneVersion(body),
        load=lambda packed, name: predictor.load(open_bundle(packed, name), state.names),
        metrics=metrics,
        clock=Clock(),
    )
    asyncio.run(slot.follow())
    return service(
        Bench(
            slot=slot,
            states=LiveStates(history=store, kind=state, max_age_s=1.0, capacity=10, clock=Clock()),
            resolver=Resolver(store, max_age_s=30, clock=Clock()),
            usual_pipeline=usual,
            metrics=metrics,
            now=lambda: now,
            clock=Clock(),
            **more,
        )
    )
