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


class DirectRoutes(BaseRoute):
    """Answers `POST` to the paths of a router by its endpoints; every other request is not its own.

    Whatever an endpoint raises is answered as that of any route.

    Args:
        described: Its endpoints take the request and nothing else, its paths have no parameters.
    """

    def __init__(self, described: APIRouter) -> None:
        routes = (route for route in described.routes if isinstance(route, APIRoute))
        self._endpoints: dict[str, Endpoint] = {route.path: route.endpoint for route in routes}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say whether a request is its own."""
        if scope["type"] == "http" and scope["method"] == "POST":
            endpoint = self._endpoints.get(get_route_path(scope))
            if endpoint is not None:
                return Match.FULL, {"endpoint": endpoint}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that `matches`."""
        endpoint: Endpoint = scope["endpoint"]
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)
