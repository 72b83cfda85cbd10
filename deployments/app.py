"""The wiring: which deployments exist and who holds whose handle. The only file that knows Ray.

Annotations here are not postponed: Serve checks `args:` of its configuration against the class
that annotates `build_app`'s argument, and does not look for a class behind a string.
"""

import asyncio
import shlex
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import ray
import structlog
from pydantic import BaseModel, ConfigDict, Field
from ray import serve
from ray.exceptions import RayActorError, RayTaskError, WorkerCrashedError
from ray.serve.context import _get_global_client
from ray.serve.exceptions import (
    BackPressureError,
    DeploymentUnavailableError,
    ReplicaUnavailableError,
)

import devmind
from deployments.access_team import access_team
from deployments.acquaintance import Acquaintance
from deployments.answers import Readiness
from deployments.auth import load_keys, refuse_open
from deployments.build_optimizer import BuildOptimizerService
from deployments.calls import Caller, Failures
from deployments.equipment import Equipment
from deployments.failure_predictor import FailurePredictorService
from deployments.history_service import HistoryService
from deployments.http import About, HttpApp, Service, make_http_app
from deployments.intelligence import TestIntelligenceService
from deployments.last_known import LastKnown
from deployments.lean import without_pandas
from deployments.metrics import Instruments
from deployments.question_metrics import QuestionMetrics
from deployments.remote import Remote, RemoteHistory, RemotePredictions
from deployments.remote_versions import RemoteVersions
from deployments.replica_logs import configure_replica
from deployments.scaling import told
from deployments.scrape import Scrape
from deployments.ticker import Ticker
from deployments.tracing import TraceRoots, refuse_unusable, root_tracer
from devmind.errors import ServiceUnreachable
from devmind.settings import ServerSettings

if TYPE_CHECKING:
    from ray.job_submission import JobDetails, JobSubmissionClient

    from deployments.access import Access

log = structlog.get_logger(__name__)

ROOT = Path(__file__).resolve().parent.parent
FAILURES = Failures(
    wrapped=(RayTaskError,),
    lost=(RayActorError, WorkerCrashedError, ReplicaUnavailableError),
    refused=(BackPressureError,),
    absent=(DeploymentUnavailableError,),
)
MODEL_DEPLOYMENTS = ("build-optimizer", "failure-predictor", "test-intelligence")
FOR_EACH = 1_000_000
"""With so many replicas to share them, each question is a call by itself."""
TICK_S = 20.0
"""How often training jobs are looked after."""
FOLLOW_CHAMPION = {"version": "champion"}


class AppArgs(BaseModel):
    """What `serve_config.yaml` may say under `args:`; anything else is refused."""

    model_config = ConfigDict(extra="forbid")

    projects_per_replica: int = Field(default=200, ge=1, le=100_000)
    """How many projects a model replica keeps in memory."""
    coalesce: bool = True
    """Whether questions that wait together share a call to a model; else each has its own."""


class HistoryReplica(HistoryService):
    """A replica of the history deployment."""

    def __init__(self, equipment: Equipment) -> None:
        configure_replica()  # and MLflow needs pandas
        desk = equipment.history()
        super().__init__(desk)
        Ticker(desk.lifecycle.training.tick, every_s=TICK_S).start()


class BuildOptimizerReplica(BuildOptimizerService):
    """A replica of the build-optimizer deployment."""

    def __init__(self, history: Any, equipment: Equipment) -> None:
        configure_replica()
        without_pandas()
        super().__init__(equipment.build_optimizer(_versions(history)))


class FailurePredictorReplica(FailurePredictorService):
    """A replica of the failure-predictor deployment."""

    def __init__(self, history: Any, equipment: Equipment) -> None:
        configure_replica()
        without_pandas()
        super().__init__(equipment.failure_predictor(_versions(history)))


class TestIntelligenceReplica(TestIntelligenceService):
    """A replica of the test-intelligence deployment."""

    def __init__(self, history: Any, equipment: Equipment) -> None:
        configure_replica()
        without_pandas()
        super().__init__(equipment.test_intelligence(_versions(history)))


def _access(settings: ServerSettings) -> "Access | None":
    """Return what checks the tokens of Cloudflare Access, where the service stands behind it."""
    if access_team(settings) is None:
        return None
    from deployments.access_keys import open_access  # noqa: PLC0415 - it brings cryptography

    return open_access(settings)


class Ingress:
    """Turns handles into plain async functions and gives them to the HTTP app."""

    def __init__(self, history: Any, models: Mapping[str, Any], equipment: Equipment) -> None:
        configure_replica()
        without_pandas()
        self._settings = equipment.settings()
        self._keys = load_keys(self._settings)
        refuse_open(self._settings, self._keys, listens_on=equipment.listens_on())
        self._access = _access(self._settings)
        share = equipment.coalesce
        self._models = {name: _remote(name, handle, share=share) for name, handle in models.items()}
        self._history = _remote("history", history)
        self._predictions = RemotePredictions(
            duration=self._models["build-optimizer"],
            failure=self._models["failure-predictor"],
            tests=self._models["test-intelligence"],
        )
        self._scrape = Scrape(LastKnown[Sequence[str]](metric_agents, unknown=()))
        self._questions = QuestionMetrics(equipment.instruments())
        self._acquaintance = Acquaintance([*self._models.values(), self._history])

    async def readiness(self) -> dict[str, Readiness]:
        """Return every other deployment's readiness, all asked at once."""
        parts = {**self._models, "history": self._history}
        found = await asyncio.gather(*(part.readiness() for part in parts.values()))
        return dict(zip(parts, found, strict=True))

    async def metrics(self) -> str:
        """Return the metrics of the whole application."""
        return await self._scrape.text()

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """Tell Serve how many questions wait or are being answered, by deployment."""
        return told(self._predictions.under_way())

    async def check_health(self) -> None:
        """Say in the metrics how many questions wait, and get to know the other deployments.

        Never fails because of them: an ingress that cannot reach a model is not mended by another.
        """
        self._questions.show(self._predictions)
        self._acquaintance.meet_soon()

    async def _serving(self) -> dict[str, str | None]:
        found = await asyncio.gather(*(part.readiness() for part in self._models.values()))
        return {name: part.version for name, part in zip(self._models, found, strict=True)}

    def __serve_build_asgi_app__(self) -> HttpApp:
        history = RemoteHistory(self._history, self._serving)
        app = make_http_app(
            Service(
                records=history,
                predictions=self._predictions,
                lifecycle=history,
                condition=self,
            ),
            keys=self._keys,
            about=About(
                service="devmind-ml-service",
                version=devmind.__version__,
                environment=self._settings.environment,
            ),
            max_body_bytes=self._settings.max_body_bytes,
            access=self._access,
            echo_request_id=False,
        )
        tracer = root_tracer(self._settings.trace_ratio)
        if tracer is not None:
            app.add_middleware(TraceRoots, tracer=tracer)
        return app


class RayJobs:
    """Runs training jobs by the job API of the cluster that the service runs on."""

    def __init__(self) -> None:
        self._head = LastKnown(head_node, unknown="")

    def start(self, job_id: str, arguments: tuple[str, ...]) -> None:
        """Start `python -m training.job` with *arguments* at the checkout's root.

        Raises:
            ServiceUnreachable: If the cluster does not take the job.
        """
        command = shlex.join([sys.executable, "-m", "training.job", *arguments])
        entrypoint = f"cd {shlex.quote(str(ROOT))} && exec {command}"
        try:
            self._client().submit_job(entrypoint=entrypoint, submission_id=job_id)
        except (RuntimeError, ConnectionError, ValueError) as error:
            log.exception("job not submitted", job=job_id)
            raise ServiceUnreachable("the cluster's job API", type(error).__name__) from error

    def stop(self, job_id: str) -> None:
        """End a job's process, if the cluster has it.

        Raises:
            ServiceUnreachable: If the cluster does not answer or does not know the job.
        """
        try:
            self._client().stop_job(job_id)
        except (RuntimeError, ConnectionError, ValueError) as error:
            raise ServiceUnreachable("the cluster's job API", type(error).__name__) from error

    def ended(self, job_id: str) -> str | None:
        """Return how a job's process ended without success, `None` while that is not known."""
        found = self._details(job_id)
        if found is None or found.status.value not in ("FAILED", "STOPPED"):
            return None
        code = "" if found.driver_exit_code is None else f", exit code {found.driver_exit_code}"
        return f"its process ended without a word ({found.status.value.lower()}{code})"

    def waits(self, job_id: str) -> bool:
        """Whether the cluster has the job and has not started its process yet."""
        found = self._details(job_id)
        return found is not None and found.status.value == "PENDING"

    def cluster(self) -> str:
        """Return the id of the head node, new with every start; soon, also without a head."""
        return self._head()

    def _details(self, job_id: str) -> "JobDetails | None":
        try:
            return self._client().get_job_info(job_id)
        except (RuntimeError, ConnectionError, ValueError):
            return None

    def _client(self) -> "JobSubmissionClient":
        # The other replicas do without a client for HTTP.
        from ray.dashboard.utils import ray_address_to_api_server_url  # noqa: PLC0415 - as said
        from ray.job_submission import JobSubmissionClient  # noqa: PLC0415 - as said

        address = ray_address_to_api_server_url(ray.get_runtime_context().gcs_address)
        return JobSubmissionClient(address)


def head_node() -> str:
    """Return the id of the head node; waits for a head."""
    nodes = ray.nodes()  # type: ignore[no-untyped-call] # Ray leaves it untyped
    heads = (str(n["NodeID"]) for n in nodes if "node:__internal_head__" in n["Resources"])
    return next(heads, "")


def metric_agents() -> Sequence[str]:
    """Return the URL of the metric agent of every node that lives; waits for a head."""
    return [
        f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
        for node in ray.nodes()  # type: ignore[no-untyped-call] # Ray leaves it untyped
        if node["Alive"]
    ]


def assemble(equipment: Equipment) -> serve.Application:
    """Wire the deployments together; tests pass another *equipment*.

    How many replicas each has and what they may use is up to `serve_config.yaml`.
    """
    history = serve.deployment(name="history")(HistoryReplica).bind(equipment)
    classes = (BuildOptimizerReplica, FailurePredictorReplica, TestIntelligenceReplica)
    models = {
        name: serve.deployment(name=name, user_config=FOLLOW_CHAMPION, health_check_period_s=5)(
            cls
        ).bind(history, equipment)
        for name, cls in zip(MODEL_DEPLOYMENTS, classes, strict=True)
    }
    ingress = serve.deployment(name="ingress")(serve.ingress()(Ingress))
    return ingress.bind(history, models, equipment)


def build_app(args: AppArgs) -> serve.Application:
    """Entry point that `serve_config.yaml` imports.

    Raises:
        InvalidInput: If the service would be open to others without API keys, traces have no
            usable address, or Cloudflare Access is half configured; nothing is deployed then.
    """
    settings = ServerSettings()
    refuse_open(settings, load_keys(settings))
    refuse_unusable()
    access_team(settings)
    equipment = Equipment(
        settings=ServerSettings,
        instruments=_instruments,
        runner=RayJobs,
        listens_on=proxy_host,
        projects=args.projects_per_replica,
        coalesce=args.coalesce,
    )
    return assemble(equipment)


def _instruments() -> Instruments:
    # Ray declares tag_keys as a tuple of one; it takes any number.
    return cast("Instruments", serve.metrics)


def proxy_host() -> str | None:
    """Return the address that Serve's proxies listen on; `None` where nobody says."""
    client = _get_global_client(raise_if_no_controller_running=False)
    return None if client is None else str(client.http_config.host)


def _remote(name: str, handle: Any, *, share: bool = True) -> Remote:
    replicas = partial(_replicas, handle) if share else lambda: FOR_EACH
    return Remote(handle, Caller(name, FAILURES), replicas=replicas)


def _replicas(handle: Any) -> int:
    """Return how many replicas *handle* may call now; Serve keeps its list up to date."""
    # Its own attribute: Serve tells this nowhere else without asking the controller.
    router = getattr(handle._router, "_asyncio_router", None)  # noqa: SLF001
    requests = None if router is None else router.request_router
    return len(requests.curr_replicas) if requests is not None else 1


def _versions(history: Any) -> RemoteVersions:
    return RemoteVersions(_remote("history", history))
