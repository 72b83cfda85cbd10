"""The service in one process: the HTTP application, and behind it the services of the models."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, cast

from ray import serve

from deployments.answers import AssessAnswer
from deployments.auth import Key, Keys
from deployments.bench import Bench
from deployments.build_optimizer import BuildOptimizerService, usual_pipeline
from deployments.calls import together
from deployments.failure_predictor import FailurePredictorService
from deployments.history_service import Desk, HistoryService
from deployments.http import About, HttpApp, Service, make_http_app
from deployments.intelligence import TestIntelligenceService, only_pipeline
from deployments.live_state import LiveStates
from deployments.metrics import Instruments, Metrics
from deployments.model_slot import ModelSlot
from deployments.questions import Assessment
from deployments.recording import Recorder
from deployments.resolve import Resolver
from features.build_state import BuildState
from features.verdict_state import TestState
from history.store import HistoryStore
from models.build_optimizer import BuildOptimizer
from models.bundle import Bundle
from models.failure_predictor import FailurePredictor
from models.intelligence import TestIntelligence
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE

KEY = "a-key-of-the-benchmark"
_MAX_BODY_BYTES = 64 << 20
_KEPT_S = 1e9
Usual = Callable[[Any, tuple[str, ...], datetime], str]


class OneVersion:
    """Has one version of a model, which is its champion."""

    async def champion(self, _model: str) -> str:
        """Return the version."""
        return "1"

    async def shadow(self, _model: str) -> None:
        """Return that nothing answers beside it."""

    async def bundle(self, _model: str, _version: str) -> bytes:
        """Return nothing: the loader knows the model already."""
        return b""


class InProcess:
    """Every service, asked directly: what the ingress does by handles, it does by calls.

    Args:
        store: Of the projects that are asked about.
        bundles: Of the three models, by name.
        now: When questions are asked.
    """

    def __init__(
        self, store: HistoryStore, bundles: Mapping[str, Bundle], now: Callable[[], datetime]
    ) -> None:
        self._metrics = Metrics(cast("Instruments", serve.metrics))
        self._store, self._now = store, now
        self.models = {
            BUILD_OPTIMIZER: BuildOptimizer.load(bundles[BUILD_OPTIMIZER], BuildState.names),
            FAILURE_PREDICTOR: FailurePredictor.load(bundles[FAILURE_PREDICTOR], BuildState.names),
            TEST_INTELLIGENCE: TestIntelligence.load(bundles[TEST_INTELLIGENCE], TestState.names),
        }
        self._builds = BuildOptimizerService(
            self._bench(BUILD_OPTIMIZER, BuildState, usual_pipeline)
        )
        self._risks = FailurePredictorService(
            self._bench(FAILURE_PREDICTOR, BuildState, usual_pipeline)
        )
        self._tests = TestIntelligenceService(
            self._bench(TEST_INTELLIGENCE, TestState, only_pipeline)
        )
        recorder = Recorder(store, metrics=self._metrics, now=now)
        self.records = HistoryService(
            Desk(overview=store, recorder=recorder, lifecycle=cast("Any", None))
        )
        self.duration, self.failure = self._builds.predict, self._risks.predict
        self.tests = self._tests.select
        self.optimize, self.remaining = self._builds.optimize, self._builds.remaining

    async def load(self) -> None:
        """Load the models."""
        for service in (self._builds, self._risks, self._tests):
            await service.reconfigure({"version": "champion"})

    async def assess(self, assessment: Assessment) -> AssessAnswer:
        """All three at once."""
        found: dict[str, Any] = await together(
            {
                "duration": self.duration(assessment.duration),
                "failure": self.failure(assessment.failure),
                "tests": self.tests(assessment.tests),
            }
        )
        return AssessAnswer(project_name=found["duration"].project_name, **found, errors={})

    def _bench(self, name: str, kind: type[Any], usual: Usual) -> Bench[Any, Any]:
        return Bench(
            slot=ModelSlot(
                name=name,
                versions=OneVersion(),
                load=lambda _body, _name: self.models[name],
                metrics=self._metrics,
                clock=time.monotonic,
            ),
            states=LiveStates(
                history=self._store,
                kind=kind,
                max_age_s=_KEPT_S,
                capacity=10,
                clock=time.monotonic,
            ),
            resolver=Resolver(self._store, max_age_s=_KEPT_S, clock=time.monotonic),
            usual_pipeline=usual,
            metrics=self._metrics,
            now=self._now,
        )


def http_app(predictions: Any, records: Any) -> HttpApp:
    """Return the HTTP application before any services, which asks for a key."""
    digest = sha256(KEY.encode()).hexdigest()
    return make_http_app(
        Service(
            records=records,
            predictions=predictions,
            lifecycle=cast("Any", None),
            condition=cast("Any", None),
        ),
        keys=Keys([Key(name="benchmark", scopes=frozenset({"admin"}), digest=digest)]),
        about=About(service="devmind", version="0", environment="development"),
        max_body_bytes=_MAX_BODY_BYTES,
        echo_request_id=False,
    )


class Ready:
    """Has its answer ready, whatever it is asked.

    Args:
        answer: What it answers.
    """

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def __getattr__(self, _name: str) -> Callable[[object], Awaitable[object]]:
        return self._ask

    async def _ask(self, _question: object) -> object:
        return self._answer


async def asgi(app: HttpApp, path: str, body: bytes, *, kind: str = "application/json") -> bytes:
    """Send one request to *app* as a server would and return the body of its answer.

    Raises:
        RuntimeError: If it is no success.
    """
    route, _, query = path.partition("?")
    headers = [
        (b"host", b"127.0.0.1:8000"),
        (b"user-agent", b"benchmark"),
        (b"accept", b"*/*"),
        (b"x-api-key", KEY.encode()),
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": route,
        "raw_path": route.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8_000),
        "state": {},
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    answered = b"".join(message.get("body", b"") for message in sent)
    if sent[0]["status"] not in (200, 201):
        raise RuntimeError(f"{route}: {sent[0]['status']} {answered[:500]!r}")
    return answered
