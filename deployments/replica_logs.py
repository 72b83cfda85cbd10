"""What a replica's log lines say of themselves: which replica, which request, which trace."""

from __future__ import annotations

import sys

from ray import serve
from ray.serve.context import _get_serve_request_context
from ray.serve.exceptions import RayServeException
from structlog.types import EventDict, WrappedLogger

from deployments import log_quota
from deployments.request_ids import harmless
from deployments.tracing import current_trace
from devmind.logs import configure
from devmind.settings import ServerSettings


def configure_replica() -> None:
    """Set up the logs of a replica: JSON lines on stderr, each with its request.

    Serve may put a logger of its own in stderr's place, which would wrap line in line.
    """
    settings = ServerSettings()
    log_quota.allow(settings.answers_logged_per_s)
    configure(json=True, also=(say_where,), level=settings.log_level, stream=sys.__stderr__)


def say_where(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Add deployment and replica, and the request's and the trace's id where there is one.

    Serve hands the id of a request on with every call between deployments, so all lines of one
    request have the same.
    """
    try:
        replica = serve.get_replica_context().replica_id
    except RayServeException:  # in one process, without a cluster
        return event
    event.setdefault("deployment", replica.deployment_id.name)
    event.setdefault("replica", replica.unique_id)
    if request_id := harmless(_get_serve_request_context().request_id):
        event.setdefault("request_id", request_id)
    if trace := current_trace():
        event.setdefault("trace_id", trace)
    return event
