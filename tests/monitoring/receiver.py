"""A receiver of traces that speaks OTLP over gRPC, as Jaeger does, and keeps what it hears."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)


@dataclass(frozen=True)
class Span:
    """A span as it arrived: ids in hex, attributes as text."""

    service: str
    trace: str
    span: str
    parent: str
    name: str
    attributes: dict[str, str]


class Receiver(TraceServiceServicer):
    def __init__(self):
        self.spans = []

    def Export(self, request, _context):  # noqa: N802 - the protocol's name
        for resource in request.resource_spans:
            service = _attributes(resource.resource.attributes).get("service.name", "")
            for scope in resource.scope_spans:
                self.spans += [_span(service, span) for span in scope.spans]
        return messages.ExportTraceServiceResponse()

    def of(self, trace):
        return [span for span in list(self.spans) if span.trace == trace]


def _span(service, span):
    return Span(
        service=service,
        trace=span.trace_id.hex(),
        span=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        name=span.name,
        attributes=_attributes(span.attributes),
    )


def _attributes(pairs):
    return {pair.key: pair.value.string_value for pair in pairs}


@contextmanager
def receiving():
    """Listen at a free port of this machine; yields the receiver and its address."""
    receiver = Receiver()
    server = grpc.server(ThreadPoolExecutor(2))
    add_TraceServiceServicer_to_server(receiver, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield receiver, f"http://127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
