"""The command line to a service behind Cloudflare Access."""

import pytest

STATUS = "/models/status"


@pytest.fixture(autouse=True)
def _service(service):
    service.answers("GET", STATUS, {"models": []})


def test_a_service_token_goes_with_every_request(devmind, service, monkeypatch):
    """
    Both halves of the token are sent as Access wants them.
    """
    monkeypatch.setenv("DEVMIND_ACCESS_CLIENT_ID", "id.access")
    monkeypatch.setenv("DEVMIND_ACCESS_CLIENT_SECRET", "s3cret")
    devmind("status")

    headers = service.requests[0].headers
    assert headers["cf-access-client-id"] == "id.access"
    assert headers["cf-access-client-secret"] == "s3cret"


def test_half_a_token_is_an_error(devmind, service, monkeypatch):
    """
    One half alone is refused before anything is sent, and the secret is not shown.
    """
    monkeypatch.setenv("DEVMIND_ACCESS_CLIENT_SECRET", "s3cret")
    ended = devmind("status")

    assert ended.code == 3
    assert "go together" in ended.err
    assert "s3cret" not in ended.err
    assert service.requests == []


def test_without_a_token_nothing_of_it_is_sent(devmind, service):
    """
    Elsewhere no header of Access is sent.
    """
    devmind("status")

    assert not any(name.startswith("cf-") for name in service.requests[0].headers)
