"""Every request has an id, and no error leaves as anything but an answer."""

from __future__ import annotations

import re
import uuid

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.http.problems import broken

log = structlog.get_logger(__name__)
_UNSAFE = re.compile(r"[^A-Za-z0-9._:/=+-]")
_LONGEST = 128
HEADER = "x-request-id"


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
        name = _named(Headers(scope=scope).get(HEADER, ""))
        scope["devmind.request_id"] = name
        with structlog.contextvars.bound_contextvars(request_id=name):
            await self._answer(scope, receive, send, name)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, name: str) -> None:
        started = False

        async def with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                if self._echo:
                    MutableHeaders(scope=message)[HEADER] = name
            await send(message)

        try:
            await self._app(scope, receive, with_id)
        except Exception:
            log.exception("request broke", method=scope["method"], path=scope["path"])
            if started:
                raise
            await broken(name)(scope, receive, with_id)


def _named(sent: str) -> str:
    return _UNSAFE.sub("", sent)[:_LONGEST] or uuid.uuid4().hex
