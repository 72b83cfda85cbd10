"""Cloudflare Access at the door: before routes, bodies and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.access_team import HEADER
from deployments.http.problems import refusal
from devmind.errors import DevMindError

if TYPE_CHECKING:  # it brings cryptography, which only those need who stand behind Access
    from deployments.access import Access

OPEN = frozenset({"/health", "/ready"})
"""Asked by kubelets and load balancers inside the cluster, which Access never sees."""


class AccessGate:
    """Lets in what Cloudflare Access let in, on all routes but `OPEN`.

    Args:
        app: The application.
        access: Checks tokens.
    """

    def __init__(self, app: ASGIApp, *, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        try:
            visitor = await self._access.check(Headers(scope=scope).get(HEADER))
        except DevMindError as error:
            name = str(scope.get("devmind.request_id", ""))
            await refusal(error, name)(scope, receive, send)
            return
        with structlog.contextvars.bound_contextvars(visitor=visitor):
            await self._app(scope, receive, send)
