"""Routes that are asked so often that finding out what they need would cost more than the answer.

FastAPI works out a route's dependencies anew for each request. Endpoints that take the request as
it is need none of that: they are described by FastAPI like all others, and called without it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette._utils import get_route_path
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

Endpoint = Callable[[Request], Awaitable[Response]]
_NOT_ITS_OWN: tuple[Match, Scope] = (Match.NONE, {})


class DirectRoute(BaseRoute):
    """Answers `POST` to one path by its endpoint; every other request is not its own.

    Whatever the endpoint raises is answered as that of any route.

    Args:
        described: Its endpoint takes the request and nothing else, its path has no parameters.
    """

    methods = frozenset({"POST"})

    def __init__(self, described: APIRoute) -> None:
        self.path = described.path
        """What Serve's metrics and logs call a request that `matches`."""
        self._endpoint: Endpoint = described.endpoint

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say whether a request is its own."""
        # The end first: each request is shown to all routes, and most paths end otherwise.
        if not scope["path"].endswith(self.path) or scope["type"] != "http":
            return _NOT_ITS_OWN
        if scope["method"] == "POST" and get_route_path(scope) == self.path:
            return Match.FULL, {"endpoint": self._endpoint}
        return _NOT_ITS_OWN

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that `matches`."""
        response = await self._endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


def direct_routes(described: APIRouter) -> list[DirectRoute]:
    """Return what answers the requests to a router's paths in its place."""
    return [DirectRoute(route) for route in described.routes if isinstance(route, APIRoute)]
