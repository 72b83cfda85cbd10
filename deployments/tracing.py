"""Traces to Jaeger, or to whatever speaks OTLP: what `tracing_config` in `serve_config.yaml` names.

Serve makes the spans: one in the proxy for a request, one for each call of a deployment and one in
the replica that answers it, all of one trace, which a caller's `traceparent` continues.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from devmind.errors import InvalidInput

log = structlog.get_logger(__name__)

ENDPOINT = "JAEGER_ENDPOINT"
SERVICE = "devmind-ml-service"
_ADVICE = "It is the address of an OTLP receiver (gRPC), as in http://jaeger:4317."


def exporter() -> list[SpanProcessor]:
    """Return what sends spans to `JAEGER_ENDPOINT`; nothing where that is not set.

    Serve calls it once in every proxy and replica, before it makes the tracer, which takes the
    service's name from the environment. Spans wait in a bounded queue and are sent in the
    background: a receiver that is away, or an address that is none, costs spans and no request.
    """
    try:
        endpoint = _endpoint()
    except InvalidInput as error:  # a raise here would take proxies and replicas down
        log.error("no traces", why=str(error))  # noqa: TRY400 - the traceback says nothing more
        return []
    if endpoint is None:
        return []
    os.environ.setdefault("OTEL_SERVICE_NAME", SERVICE)
    sender = OTLPSpanExporter(endpoint=endpoint, insecure=endpoint.startswith("http://"))
    return [BatchSpanProcessor(sender)]


def refuse_unusable() -> None:
    """Let a deployment stop where `JAEGER_ENDPOINT` is set to what is no address.

    Raises:
        InvalidInput: If it is.
    """
    _endpoint()


def _endpoint() -> str | None:
    said = os.environ.get(ENDPOINT, "").strip()
    return checked(said) if said else None


def checked(endpoint: str) -> str:
    """Return *endpoint* if it is an address.

    Raises:
        InvalidInput: If it is not, or holds a password, which would travel in clear.

    Example:
        >>> checked("http://jaeger:4317")
        'http://jaeger:4317'
    """
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port
    except ValueError:  # a port that is no number
        usable = False
    if not usable or "@" in endpoint:
        raise InvalidInput(ENDPOINT, endpoint.rpartition("@")[2], _ADVICE)
    return endpoint


def current_trace() -> str | None:
    """Return the id of the trace that this code runs in, `None` outside of a sampled one."""
    context = trace.get_current_span().get_span_context()
    sampled = context.is_valid and context.trace_flags.sampled
    return trace.format_trace_id(context.trace_id) if sampled else None
