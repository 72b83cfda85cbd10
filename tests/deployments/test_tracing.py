"""Where spans go, and what an address of a receiver may be."""

import asyncio

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import format_trace_id

from deployments import tracing
from devmind.errors import InvalidInput


def test_nothing_is_sent_by_default(monkeypatch):
    """
    Without JAEGER_ENDPOINT there is nobody to send to, and nothing is.
    """
    monkeypatch.delenv("JAEGER_ENDPOINT", raising=False)

    assert tracing.exporter() == []


def test_a_receiver_is_named(monkeypatch):
    """
    With an address one processor sends there, in the service's name.
    """
    monkeypatch.setenv("JAEGER_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)

    (processor,) = tracing.exporter()
    processor.shutdown()

    assert tracing.os.environ["OTEL_SERVICE_NAME"] == "devmind-ml-service"


@pytest.mark.parametrize(
    "address", ["jaeger:4317", "http://jaeger", "grpc://jaeger:4317", "http://a:hunter2@jaeger:1"]
)
def test_an_unusable_address_is_refused(monkeypatch, address):
    """
    What is no address is refused by name, without the password that may be in it; in a replica it
    costs the traces and not the service.
    """
    monkeypatch.setenv("JAEGER_ENDPOINT", address)

    with pytest.raises(InvalidInput, match="JAEGER_ENDPOINT") as told:
        tracing.refuse_unusable()

    assert "hunter2" not in str(told.value)
    assert tracing.exporter() == []


SPANS = InMemorySpanExporter()
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def asked(ratio, path="/api/v1/assess", **headers):
    """The spans of one request, and the trace that the application saw."""
    provider = TracerProvider(sampler=ParentBasedTraceIdRatio(ratio))
    provider.add_span_processor(SimpleSpanProcessor(SPANS))
    SPANS.clear()
    seen = []

    async def app(_scope, _receive, _send):
        seen.append(tracing.current_trace())

    scope = {"type": "http", "method": "POST", "path": path}
    scope["headers"] = [(name.encode(), value.encode()) for name, value in headers.items()]
    roots = tracing.TraceRoots(app, tracer=provider.get_tracer("test"))
    asyncio.run(roots(scope, None, None))
    return SPANS.get_finished_spans(), seen[0]


def test_a_request_that_nobody_traces_begins_a_trace():
    """
    With a ratio of 1 each request has a span, and what is done for it runs inside; with 0 none.
    """
    (span,), seen = asked(1.0)

    assert span.parent is None
    assert format_trace_id(span.context.trace_id) == seen
    assert asked(0.0) == ((), None)
    assert asked(1.0, path="/metrics") == ((), None)


@pytest.mark.parametrize(("flag", "count"), [("01", 1), ("00", 0)])
def test_the_caller_decides(flag, count):
    """
    A caller's `traceparent` is continued, or kept silent, whatever the ratio says.
    """
    spans, seen = asked(1.0 - count, traceparent=f"00-{TRACE}-{CALLER}-{flag}")

    assert len(spans) == count
    assert seen == (TRACE if count else None)
    assert all(format_trace_id(span.context.trace_id) == TRACE for span in spans)


def test_a_damaged_traceparent_is_as_good_as_none():
    """
    What is no `traceparent` begins a trace like any other request.
    """
    assert len(asked(1.0, traceparent="no-trace\xff")[0]) == 1


def test_each_question_continues_its_own_trace():
    """
    A question that was sent within a trace is answered within it; one that was not is in none.
    """
    with tracing.continued({"traceparent": f"00-{TRACE}-{CALLER}-01"}, "question"):
        assert tracing.current_trace() in (TRACE, None)  # `None` where no tracer is set up
    with tracing.continued({}, "question"):
        assert tracing.carried() == {}
