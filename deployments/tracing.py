"""Traces to Jaeger, or to whatever speaks OTLP: what `tracing_config` in `serve_config.yaml` names.

Serve makes most spans: one in its proxy for a request that has a `traceparent`, one for each call
of a deployment and one in the replica that answers it. Where no trace has been begun when a request
reaches the ingress, `TraceRoots` decides whether one is, and all that follows keeps to it, so that
a trace is whole or is not there. A call that carries several questions is a span of the first one's
trace; each question is one of its own trace.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from deployments.request_ids import PROBES
from devmind.errors import InvalidInput

log = structlog.get_logger(__name__)

ENDPOINT = "JAEGER_ENDPOINT"
SERVICE = "devmind-ml-service"
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]
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


def root_tracer(ratio: float) -> trace.Tracer | None:
    """Return what begins traces; `None` where none are sent.

    Args:
        ratio: Share of the requests that is traced, from 0 to 1; a caller's own choice goes first.
    """
    processors = exporter()
    if not processors:
        return None
    provider = TracerProvider(sampler=ParentBasedTraceIdRatio(ratio))
    for processor in processors:
        provider.add_span_processor(processor)
    return provider.get_tracer(__name__)


class TraceRoots:
    """Makes the span of a request: in the trace it came in, or of one that begins with it; ASGI.

    Args:
        app: The application.
        tracer: From `root_tracer`.
    """

    def __init__(self, app: App, *, tracer: trace.Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Handle a request."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        with self._tracer.start_as_current_span(
            f"http_request {scope['method']}",
            context=_callers(scope) if current_trace() is None else None,
            kind=trace.SpanKind.SERVER,
            attributes={"http.method": scope["method"], "http.target": scope["path"]},
        ) as span:
            await self._app(scope, receive, send)
            span.set_attribute("http.route", getattr(scope.get("route"), "path", scope["path"]))


def _callers(scope: Scope) -> Context:
    """Return the caller's trace, as its `traceparent` says; an empty context without one."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return TraceContextTextMapPropagator().extract(headers, Context())


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


def carried() -> dict[str, str]:
    """Return what continues the current trace elsewhere, as headers; empty outside of one."""
    carrier: dict[str, str] = {}
    if current_trace():
        TraceContextTextMapPropagator().inject(carrier)
    return carrier


@contextmanager
def continued(carrier: Mapping[str, str], name: str) -> Iterator[None]:
    """Continue the trace of *carrier* with a span; without one, leave things as they are."""
    if not carrier:
        yield
        return
    context = TraceContextTextMapPropagator().extract(carrier)
    with trace.get_tracer(__name__).start_as_current_span(name, context=context):
        yield
