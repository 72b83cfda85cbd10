"""Where spans go, and what an address of a receiver may be."""

import pytest

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
