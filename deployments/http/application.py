"""The application: routes, errors and documentation put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware

from deployments.auth import Keys
from deployments.http import models, predictions, problems, records
from deployments.http.access import AccessGate
from deployments.http.direct import direct_routes
from deployments.http.documented import describe
from deployments.http.jobs import jobs_router
from deployments.http.middleware import RequestContext
from deployments.http.operations import About, operations_router
from deployments.http.page import page_router
from deployments.http.security import Guard
from deployments.http.service import Service

if TYPE_CHECKING:  # as in `deployments.http.access`
    from deployments.access import Access

HttpApp = FastAPI
"""What `make_http_app` returns, for those who must not know FastAPI."""

_DESCRIPTION = """Learns from your CI history and answers three questions before a build runs:
**how long will it take, will it fail, which tests are worth running.**

Send a key as `X-API-Key` or `Authorization: Bearer`; keys have the scopes `record`, `predict`
and `admin` (which has them all). Errors have one shape, `application/problem+json`, and
`X-Request-ID`, yours or ours, finds a request in the log. Times are ISO 8601 with a zone, durations
are seconds. Unknown fields are refused."""
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own: `deployments.tracing`, Serve and our logs say the same already."""
_TAGS = [
    {"name": "record", "description": "What happened: durable when it is answered."},
    {"name": "predict", "description": "What will happen, with reasons."},
    {"name": "models", "description": "Versions, training, promotion."},
    {"name": "operate", "description": "For those who run the service."},
]


def make_http_app(  # noqa: PLR0913 - each is one thing the door needs to know
    service: Service,
    *,
    keys: Keys,
    about: About,
    max_body_bytes: int,
    access: Access | None = None,
    echo_request_id: bool = True,
) -> FastAPI:
    """Return the HTTP API.

    Args:
        service: Carries the requests out.
        keys: Who may do what; with none the API is open.
        about: What `/` says.
        max_body_bytes: Longest body, unpacked.
        access: Checks the tokens of Cloudflare Access, where it stands before the service.
        echo_request_id: Whether to answer with `X-Request-ID`; Ray Serve's proxy does it itself.
    """
    gate = [] if access is None else [Middleware(AccessGate, access=access)]
    app = FastAPI(
        title="DevMind Pipeline",
        version=about.version,
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        docs_url=None,
        redoc_url=None,
        middleware=[Middleware(RequestContext, echo=echo_request_id), *gate],
        telemetry=_NO_TELEMETRY,
    )
    app.state.max_body_bytes = max_body_bytes
    demand = Guard(keys)
    questions = predictions.predictions_router(service.predictions, demand)
    app.include_router(questions)
    app.include_router(records.records_router(service.records, demand))
    app.include_router(operations_router(service.condition, about))
    app.include_router(jobs_router(service.lifecycle, demand))
    app.include_router(models.models_router(service.lifecycle, demand))
    app.include_router(page_router(app))
    app.router.routes[:0] = direct_routes(questions)
    problems.install(app)
    describe(app, [*records.BODIES, *predictions.BODIES, *models.BODIES])
    return app
