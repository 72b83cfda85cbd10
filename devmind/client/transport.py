"""Sending a request and getting an answer or an error; knows HTTP, not DevMind's routes."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx

from devmind import __version__
from devmind.client.deadline import within
from devmind.client.problems import Problem, error_of
from devmind.errors import InvalidInput, ServiceUnreachable, shorten

COMPRESS_FROM_BYTES = 16 * 1024
"""Bodies from this size on are sent as gzip, where the route takes it."""
BACKOFF_S = 0.5
LONGEST_WAIT_S = 15.0
"""A `Retry-After` beyond this, or beyond the timeout, is not waited for."""
AS_A_WHOLE = 2
"""So many timeouts a call may take with its second try, its wait and all it sends and reads."""
_TOO_LONG = "it took too long"
_PASSING = (
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request.

    Attributes:
        body: Sent as it is, with `content_type`.
        again: Whether sending it twice does no harm, so that it may be retried.
        compress: Whether the route takes gzip.
    """

    method: str
    path: str
    params: Mapping[str, str] | None = None
    body: bytes | None = None
    content_type: str = "application/json"
    again: bool = True
    compress: bool = False


class Transport:
    """A connection to one service; keeps it open, closes it with `close` or as a context.

    Args:
        url: Address of the service, with or without a path.
        key: API key, sent as `X-API-Key`.
        headers: Sent with every request: what a proxy before the service wants.
        timeout_s: How long to wait while nothing comes; a call as a whole takes at most
            `AS_A_WHOLE` times as long.
        sleep: Waits between the two tries.

    Raises:
        InvalidInput: If *url* is no HTTP address.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        _check(url)
        self.url = url.rstrip("/")
        self._sleep = sleep
        self._timeout_s = timeout_s
        sent = {"User-Agent": f"devmind/{__version__}", "Accept": "application/json"}
        sent |= headers or {}
        if key:
            sent["X-API-Key"] = key
        self._http = httpx.Client(
            headers=sent,
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, 5.0)),
            verify=url.startswith("https:"),  # loading certificates for nothing takes 0.1 s
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def ask(self, call: Call) -> httpx.Response:
        """Send *call* and return the answer, once more if the first try met a passing trouble.

        Raises:
            ServiceUnreachable: If there was no answer, or none that DevMind gives.
            DevMindError: What the service said is wrong, as the class it named.
        """
        answer = self.send(call)
        if answer.is_success:
            return answer
        raise self._error(answer)

    def send(self, call: Call) -> httpx.Response:
        """Send *call* and return whatever is answered, errors included.

        Raises:
            ServiceUnreachable: If there was no answer.
        """
        try:
            return within(AS_A_WHOLE * self._timeout_s, lambda: self._tried(call))
        except TimeoutError as error:
            raise ServiceUnreachable(self.url, _TOO_LONG) from error

    def _tried(self, call: Call) -> httpx.Response:
        prepared = _compressed(call) if call.compress else call
        for last in (not call.again, True):
            try:
                answer = self._once(prepared)
            except httpx.TransportError as error:
                if last or not _worth_repeating(error):
                    raise ServiceUnreachable(self.url, _reason(error)) from error
                self._sleep(BACKOFF_S)
                continue
            wait_s = _wait_s(answer, min(LONGEST_WAIT_S, self._timeout_s))
            if last or wait_s is None:
                return answer
            self._sleep(wait_s)
        raise AssertionError  # the second try always returns or raises

    def _once(self, call: Call) -> httpx.Response:
        headers = {}
        if call.body is not None:
            headers["Content-Type"] = call.content_type
        if call.compress and call.body is not None and call.body[:2] == b"\x1f\x8b":
            headers["Content-Encoding"] = "gzip"
        return self._http.request(
            call.method,
            self.url + call.path,
            params=call.params,
            content=call.body,
            headers=headers,
        )

    def _error(self, answer: httpx.Response) -> Exception:
        body = _json_object(answer)
        if body is None or not _is_ours(answer):
            said = shorten(answer.text.strip(), 80)
            reason = f"status {answer.status_code} and {said}, which is not DevMind's way"
            return ServiceUnreachable(self.url, reason)
        return error_of(Problem.read(answer.status_code, body))


def _compressed(call: Call) -> Call:
    if call.body is None or len(call.body) < COMPRESS_FROM_BYTES:
        return call
    return replace(call, body=gzip.compress(call.body, compresslevel=5))


def _worth_repeating(error: httpx.TransportError) -> bool:
    """A refused or broken connection may be back in a moment; a timeout has waited enough."""
    return isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError)


def _wait_s(answer: httpx.Response, longest_s: float) -> float | None:
    """Return how long to wait before trying again, or `None` when that would not help."""
    if answer.status_code not in _PASSING and not _of_a_proxy(answer):
        return None
    asked = answer.headers.get("Retry-After", "").strip()
    wait_s = float(asked) if asked.isdigit() else BACKOFF_S
    return wait_s if wait_s <= longest_s else None


def _of_a_proxy(answer: httpx.Response) -> bool:
    """Whether a 500 is not DevMind's: a proxy says so where what it asked has died."""
    return answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR and not _is_ours(answer)


def _is_ours(answer: httpx.Response) -> bool:
    """Whether an error has the shape of DevMind's."""
    return bool({"detail", "title"} & (_json_object(answer) or {}).keys())


def _json_object(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        body = answer.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _reason(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return _TOO_LONG
    return str(error).rstrip(".") or type(error).__name__


def _check(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        advice = "Give the address of the service, such as http://127.0.0.1:8000."
        raise InvalidInput("not an address of a service", url, advice)
