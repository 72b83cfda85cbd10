"""API keys at the door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import structlog
from fastapi import Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param

from deployments.auth import Keys, Scope

_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="The key itself.")
_BEARER = HTTPBearer(auto_error=False, description="The same key as a bearer token.")


class Guard:
    """Lets requests in whose key has a scope.

    Args:
        keys: Who may do what.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def __call__(self, scope: Scope) -> Callable[..., Awaitable[None]]:
        """Return a dependency that demands *scope*."""

        async def check(
            request: Request,
            header: Annotated[str | None, Security(_HEADER)] = None,
            bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)] = None,
        ) -> None:
            self._admit(request, header or (bearer.credentials if bearer else None), scope)

        return check

    def admit(self, request: Request, scope: Scope) -> None:
        """Do what the dependency does, for a route that is called without dependencies.

        Raises:
            NotAuthenticated: If there is no key, or an unknown one.
            NotAllowed: If it lacks *scope*.
        """
        self._admit(request, request.headers.get("x-api-key") or _bearer(request), scope)

    def _admit(self, request: Request, presented: str | None, scope: Scope) -> None:
        holder = self._keys.check(presented, scope)
        structlog.contextvars.bind_contextvars(holder=holder)
        request.state.holder = holder


def _bearer(request: Request) -> str | None:
    scheme, credentials = get_authorization_scheme_param(request.headers.get("authorization"))
    return credentials if credentials and scheme.lower() == "bearer" else None
