"""Every request has an id, and no error leaves as anything but an answer."""

from __future__ import annotations

import time
import uuid

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.http.problems import broken
from deployments.log_quota import HTTP
from deployments.request_ids import PROBES, harmless

log = structlog.get_logger(__name__)
HEADER = "x-request-id"
_REFUSED = 400
"""Answers with this status or a higher one are always logged."""


class RequestContext:
    """Gives each request an id: the caller's `X-Request-ID`, made harmless, or a new one.

    Args:
        app: The application.
        echo: Whether to answer with the header; Ray Serve's proxy does it itself.
    """

    def __init__(self, app: ASGIApp, *, echo: bool) -> None:
        self._app = app
        self._echo = echo

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = harmless(Headers(scope=scope).get(HEADER, "")) or uuid.uuid4().hex
        scope["devmind.request_id"] = name
        before = structlog.contextvars.bind_contextvars(request_id=name)
        try:
            await self._answer(scope, receive, send, name)
        finally:
            structlog.contextvars.reset_contextvars(**before)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, name: str) -> None:
        began, status = time.monotonic(), 0

        async def with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if self._echo:
                    MutableHeaders(scope=message)[HEADER] = name
            await send(message)

        try:
            await self._app(scope, receive, with_id)
        except Exception:
            log.exception("request broke", method=scope["method"], path=scope["path"])
            if status:
                raise
            await broken(name)(scope, receive, with_id)
        finally:
            _say(scope, status, time.monotonic() - began)


def _say(scope: Scope, status: int, seconds: float) -> None:
    if scope["path"] in PROBES:
        return
    left_out = HTTP.left_out() if 0 < status < _REFUSED else 0
    if left_out is not None:
        told = {"method": scope["method"], "path": scope["path"], "status": status}
        more = {"left_out": left_out} if left_out else {}
        log.info("request answered", **told, seconds=round(seconds, 6), **more)
