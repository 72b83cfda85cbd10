"""Routes for those who run the service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from deployments.errors import Problem, type_name
from deployments.http.problems import request_id, respond
from deployments.http.responses import answer, refusals
from deployments.http.service import Condition

_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_PLAIN: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {}}, "description": "Prometheus text."}
}


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What this service is."""

    service: str
    version: str
    environment: str

    def body(self) -> dict[str, object]:
        """Return it with links to everything else."""
        links = ("/docs", "/openapi.json", "/health", "/ready", "/metrics", "/models/status")
        return {
            "service": self.service,
            "version": self.version,
            "environment": self.environment,
            "links": {link.strip("/").split("/")[0].split(".")[0]: link for link in links},
        }


def operations_router(condition: Condition, about: About) -> APIRouter:
    """Return `/`, `/health`, `/ready` and `/metrics`; none of them needs a key."""
    routes = APIRouter(tags=["operate"])

    @routes.get("/", summary="What this service is")
    async def root() -> Response:
        """Version, environment, and where to go from here."""
        return answer(about.body())

    @routes.get("/health", summary="Whether the process lives")
    async def health() -> Response:
        """Asks nothing else, so that a slow database restarts nobody."""
        return answer({"status": "ok"})

    @routes.get("/ready", summary="Whether questions can be answered", responses={**refusals(503)})
    async def ready(request: Request) -> Response:
        """Ready when every model is loaded and the history answers; else 503 and why not."""
        parts = await condition.readiness()
        reasons = [f"{name}: {part.reason}" for name, part in parts.items() if not part.ready]
        if not reasons:
            return answer({"ready": True, "parts": parts})
        return respond(
            Problem(
                type=type_name("NotReady"),
                title="The service is not ready",
                status=503,
                detail="; ".join(reasons),
                request_id=request_id(request),
                reasons=tuple(reasons),
            ),
            {"Retry-After": "5"},
        )

    @routes.get(
        "/metrics",
        summary="Metrics of the whole application",
        response_class=PlainTextResponse,
        responses=_PLAIN,
    )
    async def metrics() -> Response:
        """Of every replica on every node, not of the one that answers; some seconds old."""
        return Response(await condition.metrics(), media_type=_TEXT)

    return routes
