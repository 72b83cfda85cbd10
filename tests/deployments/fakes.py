"""Obedient stand-ins for what the service needs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

from deployments.answers import (
    AssessAnswer,
    DurationAnswer,
    FailureAnswer,
    OptimizationAnswer,
    Readiness,
    RemainingAnswer,
    SelectionAnswer,
)
from deployments.history_service import Desk, HistoryService
from deployments.http import About, Service, make_http_app
from deployments.lifecycle_answers import (
    JobAnswer,
    JobLogAnswer,
    ModelStatus,
    Promoted,
    ShadowStarted,
)
from deployments.metrics import Metrics
from deployments.recording import Recorder
from devmind.errors import NotFound

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Clock:
    """Monotonic seconds that pass only when told to."""

    def __init__(self):
        self.seconds = 100.0

    def __call__(self):
        return self.seconds


@dataclass
class Instruments:
    """Instruments that keep (name, tags) -> number."""

    values: dict = field(default_factory=dict)

    def _make(self, name):
        instruments = self

        class Instrument:
            def inc(self, value=1.0, tags=None):
                key = (name, tuple(sorted((tags or {}).items())))
                instruments.values[key] = instruments.values.get(key, 0) + value

            observe = inc

            def set(self, value, tags=None):
                instruments.values[(name, tuple(sorted((tags or {}).items())))] = value

        return Instrument()

    def Counter(self, name, _description, _tag_keys):  # noqa: N802 - Ray's name
        return self._make(name)

    Gauge = Counter

    def Histogram(self, name, _description, _boundaries, _tag_keys):  # noqa: N802 - Ray's name
        return self._make(name)

    def get(self, name, **tags):
        return self.values.get((name, tuple(sorted(tags.items()))), 0)


def duration_answer(**changes):
    values = {
        "project_name": "shop",
        "pipeline_id": "ci",
        "p10_s": 10.0,
        "p50_s": 20.0,
        "p90_s": float("nan"),
        "interval": 0.8,
        "confidence": 0.81,
        "abstained": False,
        "abstention_reason": None,
        "reasons": (),
        "model_version": "3",
        "as_of": 7,
    }
    return DurationAnswer(**{**values, **changes})


def remaining_answer():
    return RemainingAnswer(
        project_name="shop",
        pipeline_id="ci",
        elapsed_s=180.0,
        p10_s=5.0,
        p50_s=20.0,
        p90_s=60.0,
        interval=0.8,
        expected_end_at=NOW,
        share_done=0.9,
        waits_for="test",
        later_than_usual=False,
        basis="9 recent builds of ci; 1 of 2 jobs done",
        abstained=False,
        abstention_reason=None,
        model_version="3",
        as_of=7,
    )


def failure_answer():
    return FailureAnswer(
        project_name="shop",
        pipeline_id="ci",
        failure_probability=0.2,
        risk_level="low",
        base_rate=0.1,
        contributing_factors=(),
        recommendations=(),
        confidence=0.8,
        abstained=False,
        abstention_reason=None,
        model_version="3",
        as_of=7,
    )


def selection_answer():
    return SelectionAnswer(
        project_name="shop",
        commit_hash="c0ffee",
        total_tests=2,
        selected_tests=("a",),
        skipped_tests=("b",),
        estimated_time_savings=1.0,
        estimated_time_savings_share=0.5,
        coverage_retention=0.96,
        confidence=0.95,
        run_all=False,
        run_all_reason=None,
        reasons=(),
        remark=None,
        abstained=False,
        model_version="3",
        as_of=7,
        expected_miss_rate=0.03,
        failing_builds=160,
    )


class Predictions:
    """Remembers the last question; answers the same, or raises `error`."""

    def __init__(self, error=None):
        self.error = error
        self.asked = None

    async def _answer(self, question, answer):
        self.asked = question
        if self.error is not None:
            raise self.error
        return answer

    async def duration(self, question):
        return await self._answer(question, duration_answer())

    async def remaining(self, question):
        return await self._answer(question, remaining_answer())

    async def optimize(self, question):
        known = {name: getattr(duration_answer(), name) for name in DurationAnswer.__slots__}
        answer = OptimizationAnswer(
            **known,
            recommended_strategy="keep",
            estimated_build_time=20.0,
            estimated_savings=0.0,
            optimizations=(),
            confidence_score=0.81,
        )
        return await self._answer(question, answer)

    async def failure(self, question):
        return await self._answer(question, failure_answer())

    async def tests(self, question):
        return await self._answer(question, selection_answer())

    async def assess(self, assessment):
        answer = AssessAnswer(
            project_name="shop",
            duration=duration_answer(),
            failure=None,
            tests=selection_answer(),
            errors={"failure": "away"},
        )
        return await self._answer(assessment, answer)


class Lifecycle:
    """One model, one version, one job."""

    def __init__(self):
        self.calls = []

    async def status(self):
        return [
            ModelStatus(
                model="build-optimizer", champion="3", previous=None, serving="3", versions=()
            )
        ]

    async def card(self, model, version, *, page):
        if version not in ("champion", "3"):
            raise NotFound("version", f"{model}/{version}")
        return b"<!DOCTYPE html><title>card</title>" if page else b'{"model": "build_optimizer"}'

    async def retrain(self, model, wanted):
        self.calls.append(("retrain", model, wanted))
        return self._job(model)

    async def job(self, job_id):
        if job_id != "job-1":
            raise NotFound("training job", job_id)
        return self._job("build-optimizer")

    async def jobs(self, model):
        return [self._job(model or "build-optimizer")]

    async def job_logs(self, job_id, offset):
        return JobLogAnswer(
            job_id=job_id, text="{}\n", offset=offset, next_offset=offset + 3, more=False
        )

    async def cancel(self, job_id, *, by):
        self.calls.append(("cancel", job_id, by))
        return self._job("build-optimizer")

    async def promote(self, model, version, *, force, by):
        self.calls.append(("promote", model, version, force, by))
        return Promoted(model=model, version=version)

    async def start_shadow(self, model, version, *, builds, promote_if_better, by):
        self.calls.append(("start_shadow", model, version, builds, promote_if_better, by))
        return ShadowStarted(model=model, version=version, builds=builds)

    async def rollback(self, model, *, by):
        self.calls.append(("rollback", model, by))
        return Promoted(model=model, version="2")

    def _job(self, model):
        return JobAnswer(
            job_id="job-1",
            model=model,
            state="queued",
            progress=0.0,
            stage="",
            detail="",
            created_at=NOW,
            updated_at=NOW,
        )


class Condition:
    """As ready as it is told."""

    def __init__(self, parts=None):
        self.parts = parts or {"history": Readiness(ready=True)}

    async def readiness(self):
        return self.parts

    async def metrics(self):
        return "# TYPE devmind_predictions_total counter\ndevmind_predictions_total 1\n"


def records(store, instruments=None):
    """Recording as it really is, on *store*, at `NOW`."""
    metrics = Metrics(instruments or Instruments())
    recorder = Recorder(store, metrics=metrics, now=lambda: NOW)
    return HistoryService(Desk(overview=store, recorder=recorder, lifecycle=None))


def make_app(keys, *, max_body_bytes=1 << 20, access=None, **parts):
    """The HTTP application around fakes; *parts* replaces some."""
    service = Service(
        **{
            "records": None,
            "predictions": Predictions(),
            "lifecycle": Lifecycle(),
            "condition": Condition(),
            **parts,
        }
    )
    about = About(service="devmind-ml-service", version="1.2.3", environment="development")
    return make_http_app(
        service, keys=keys, about=about, max_body_bytes=max_body_bytes, access=access
    )


def ask(app, method, path, **request):
    """Send one request to *app* without a network."""

    async def send():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://devmind") as client:
            return await client.request(method, path, **request)

    return asyncio.run(send())
