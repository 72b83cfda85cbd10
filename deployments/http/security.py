"""API keys at the door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import structlog
from fastapi import Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from deployments.auth import Keys, Scope

_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="The key itself.")
_BEARER = HTTPBearer(auto_error=False, description="The same key as a bearer token.")
Guard = Callable[[Scope], Callable[..., Awaitable[None]]]


def guard(keys: Keys) -> Guard:
    """Return what makes a dependency that demands a scope."""

    def demand(scope: Scope) -> Callable[..., Awaitable[None]]:
        async def check(
            request: Request,
            header: Annotated[str | None, Security(_HEADER)] = None,
            bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)] = None,
        ) -> None:
            holder = keys.check(header or (bearer.credentials if bearer else None), scope)
            structlog.contextvars.bind_contextvars(holder=holder)
            request.state.holder = holder

        return check

    return demand
