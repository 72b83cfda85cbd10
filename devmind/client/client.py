"""The routes of a DevMind service as methods."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from devmind.ci import BuildOutcome, QueuedBuild, TestReport
from devmind.client.answers import (
    Answer,
    Assessment,
    BatchReceipt,
    DurationPrediction,
    EventReceipt,
    FailurePrediction,
    JobLog,
    JobStatus,
    ModelCard,
    ModelStatus,
    Optimization,
    ProjectStatus,
    PromotedVersion,
    Readiness,
    RemainingPrediction,
    ReportReceipt,
    ServiceInformation,
    TestSelection,
)
from devmind.client.questions import Question, RunningQuestion, TestQuestion
from devmind.client.transport import Call, Transport
from devmind.errors import ServiceUnreachable, shorten
from devmind.events import Event
from devmind.wire import BuildBody, EventsBody, FinishBody, ReportBody

A = TypeVar("A", bound=Answer)
_API = "/api/v1"


class Client:
    """Talks to one service; use it as a context or `close` it.

    Every method raises `ServiceUnreachable` when no answer comes, and otherwise the error that
    the service named (`devmind.errors`), with the service's own words.

    Args:
        url: Address of the service.
        key: API key, where the service wants one.
        timeout_s: How long to wait for an answer while nothing comes; a call as a whole, with its
            second try, takes at most twice as long.
        headers: Sent with every request: what a proxy before the service wants.
        sleep: Waits before the one retry of calls that may be repeated.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        timeout_s: float = 30.0,
        *,
        headers: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = Transport(url, key=key, headers=headers, timeout_s=timeout_s, sleep=sleep)
        self.url = self._transport.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    # Recording: all of it may be repeated, so all of it is retried.

    def record_build(self, build: QueuedBuild) -> EventReceipt:
        """Record that *build* was queued."""
        return self._post(EventReceipt, f"{_API}/builds", _json(BuildBody.of(build)))

    def record_finish(self, build_id: str, outcome: BuildOutcome) -> EventReceipt:
        """Record how a build ended."""
        path = f"{_API}/builds/{quote(build_id, safe='')}/finish"
        return self._post(EventReceipt, path, _json(FinishBody.of(outcome)))

    def record_tests(self, build_id: str, report: TestReport) -> ReportReceipt:
        """Record the tests of one job of a build."""
        path = f"{_API}/builds/{quote(build_id, safe='')}/tests"
        body = _json(ReportBody.of(report))
        params = {"name": report.name} if report.name else None
        return self._post(ReportReceipt, path, body, params=params, compress=True)

    def record_junit(self, build_id: str, xml: bytes, *, name: str = "") -> ReportReceipt:
        """Record the tests of one job of a build from a JUnit XML file's bytes."""
        call = Call(
            method="POST",
            path=f"{_API}/builds/{quote(build_id, safe='')}/tests",
            params={"name": name} if name else None,
            body=xml,
            content_type="application/xml",
            compress=True,
        )
        return self._read(ReportReceipt, self._transport.ask(call))

    def record_events(self, project: str, events: Sequence[Event]) -> BatchReceipt:
        """Record events of one project, in the order in which they happened; all or none."""
        path = f"{_API}/projects/{quote(project)}/events"
        return self._post(BatchReceipt, path, _json(EventsBody.of(list(events))), compress=True)

    # Asking.

    def predict_duration(self, question: Question) -> DurationPrediction:
        """Return how long a build will take."""
        path = f"{_API}/build-optimizer/predict"
        return self._post(DurationPrediction, path, _json(question.body()))

    def predict_remaining(self, question: RunningQuestion) -> RemainingPrediction:
        """Return how much longer a running build takes."""
        path = f"{_API}/build-optimizer/remaining"
        return self._post(RemainingPrediction, path, _json(question.body()))

    def optimize(self, question: Question, **fields: Any) -> Optimization:
        """Return how long a build will take and what would make it faster.

        Args:
            question: The build.
            fields: `dependency_graph`, `historical_build_times`, `resource_constraints`.
        """
        path = f"{_API}/build-optimizer/optimize"
        return self._post(Optimization, path, _json(question.body() | fields))

    def predict_failure(self, question: Question) -> FailurePrediction:
        """Return how probable it is that a build fails, and why."""
        path = f"{_API}/failure-predictor/predict"
        return self._post(FailurePrediction, path, _json(question.body()))

    def select_tests(self, question: TestQuestion) -> TestSelection:
        """Return which tests to run."""
        path = f"{_API}/test-intelligence/select"
        return self._post(TestSelection, path, _json(question.body()), compress=True)

    def assess(self, question: Question | TestQuestion) -> Assessment:
        """Return all three predictions at once."""
        return self._post(Assessment, f"{_API}/assess", _json(question.body()), compress=True)

    # Models.

    def model_status(self) -> tuple[ModelStatus, ...]:
        """Return every model with its versions."""
        return tuple(self._list(ModelStatus, "/models/status", "models"))

    def card(self, model: str, version: str = "champion") -> ModelCard:
        """Return the card of a version."""
        return self._get(ModelCard, _card(model, version))

    def card_page(self, model: str, version: str = "champion") -> str:
        """Return the card of a version as an HTML page that opens anywhere."""
        return self._transport.ask(Call(method="GET", path=f"{_card(model, version)}.html")).text

    def retrain(
        self,
        model: str,
        *,
        promote_if_better: bool = False,
        search_minutes: float | None = None,
        shadow_builds: int | None = None,
    ) -> JobStatus:
        """Start a training job for *model* (`build-optimizer`, ...)."""
        wanted: dict[str, Any] = {"promote_if_better": promote_if_better}
        if search_minutes is not None:
            wanted["search_minutes"] = search_minutes
        if shadow_builds is not None:
            wanted["shadow_builds"] = shadow_builds
        path = f"/models/retrain/{quote(model, safe='')}"
        return self._post(JobStatus, path, _json(wanted), again=False)

    def job(self, job_id: str) -> JobStatus:
        """Return how a training job does."""
        return self._get(JobStatus, f"/models/jobs/{quote(job_id, safe='')}")

    def jobs(self, model: str | None = None) -> tuple[JobStatus, ...]:
        """Return the latest training jobs, of one model or of all."""
        asked = "" if model is None else f"?model={quote(model, safe='')}"
        return tuple(self._list(JobStatus, f"/models/jobs{asked}", "jobs"))

    def job_logs(self, job_id: str, *, offset: int = 0) -> JobLog:
        """Return a page of what a training job wrote."""
        path = f"/models/jobs/{quote(job_id, safe='')}/logs?offset={offset:d}"
        return self._get(JobLog, path)

    def cancel(self, job_id: str) -> JobStatus:
        """Cancel a training job that is queued or running."""
        return self._post(JobStatus, f"/models/jobs/{quote(job_id, safe='')}/cancel", None)

    def promote(self, model: str, version: str, *, force: bool = False) -> PromotedVersion:
        """Make *version* the champion; the gate may refuse unless *force*d."""
        body = _json({"version": version, "force": force})
        path = f"/models/{quote(model, safe='')}/promote"
        return self._post(PromotedVersion, path, body, again=False)

    def rollback(self, model: str) -> PromotedVersion:
        """Make the previous champion champion again."""
        path = f"/models/{quote(model, safe='')}/rollback"
        return self._post(PromotedVersion, path, None, again=False)

    # The service itself.

    def projects(self) -> tuple[ProjectStatus, ...]:
        """Return how much of each project is recorded."""
        return tuple(self._list(ProjectStatus, f"{_API}/projects", "projects"))

    def information(self) -> ServiceInformation:
        """Return what the service says about itself."""
        return self._get(ServiceInformation, "/")

    def readiness(self) -> Readiness:
        """Return whether the service answers questions; not being ready is no error here.

        Raises:
            ServiceUnreachable: If nothing answers at all.
        """
        answer = self._transport.send(Call(method="GET", path="/ready", again=False))
        body = _object(answer) or {}
        if answer.status_code == HTTPStatus.OK:
            return Readiness(ready=True)
        reasons = body.get("reasons") or [body.get("detail") or f"status {answer.status_code}"]
        if isinstance(reasons, Mapping):
            reasons = [f"{name}: {why}" for name, why in reasons.items()]
        return Readiness(ready=False, reasons=tuple(str(reason) for reason in reasons))

    def metrics(self) -> str:
        """Return the whole application's metrics as Prometheus text."""
        return self._transport.ask(Call(method="GET", path="/metrics")).text

    def _get(self, kind: type[A], path: str) -> A:
        return self._read(kind, self._transport.ask(Call(method="GET", path=path)))

    def _list(self, kind: type[A], path: str, field: str) -> list[A]:
        answer = self._transport.ask(Call(method="GET", path=path))
        return [self._checked(kind, item) for item in self._fields(answer).get(field, [])]

    def _post(self, kind: type[A], path: str, body: bytes | None, **options: Any) -> A:
        call = Call(method="POST", path=path, body=body, **options)
        return self._read(kind, self._transport.ask(call))

    def _read(self, kind: type[A], answer: httpx.Response) -> A:
        return self._checked(kind, self._fields(answer))

    def _fields(self, answer: httpx.Response) -> dict[str, Any]:
        fields = _object(answer)
        if fields is None:
            said = shorten(answer.text.strip(), 80)
            raise ServiceUnreachable(self.url, f"{said}, which is not DevMind's way to answer")
        return fields

    def _checked(self, kind: type[A], fields: object) -> A:
        try:
            return kind.model_validate(fields)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            reason = f"an answer this client cannot read ({place}: {first['msg']})"
            raise ServiceUnreachable(self.url, reason) from error


def _card(model: str, version: str) -> str:
    return f"/models/{quote(model, safe='')}/versions/{quote(version, safe='')}/card"


def _json(body: BaseModel | dict[str, Any]) -> bytes:
    if isinstance(body, BaseModel):
        return body.model_dump_json().encode()
    return json.dumps(body, allow_nan=False).encode()


def _object(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        fields = answer.json()
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None
