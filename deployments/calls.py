"""Calls to another deployment: errors come back as ours, and a dead replica costs a retry."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import structlog

from devmind.errors import DevMindError, Overloaded, ServiceUnreachable

T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """How the layer that carries calls says that one went wrong.

    Attributes:
        wrapped: Errors that carry the callee's error as `cause`.
        lost: The replica died or cannot be reached; another one may answer.
        refused: Too many calls are waiting already.
        absent: There is no replica and there will be none.
    """

    wrapped: tuple[type[BaseException], ...]
    lost: tuple[type[BaseException], ...]
    refused: tuple[type[BaseException], ...]
    absent: tuple[type[BaseException], ...]


class Caller:
    """Awaits calls to one deployment.

    Args:
        name: The deployment, for messages.
        failures: What to catch.
        attempts: How often a repeatable call is tried when its replica is lost.
    """

    def __init__(self, name: str, failures: Failures, *, attempts: int = 2) -> None:
        self.name = name
        self._failures = failures
        self._attempts = attempts

    async def __call__(self, start: Callable[[], Awaitable[T]], *, repeatable: bool = True) -> T:
        """Start a call and return its answer.

        Args:
            start: Sends the call; used again for a retry.
            repeatable: Whether doing it twice equals doing it once.

        Raises:
            DevMindError: What the callee raised; `ServiceUnreachable` or `Overloaded` when it
                could not be asked.
        """
        last = self._attempts if repeatable else 1
        for attempt in range(1, last + 1):
            try:
                return await self._once(start)
            except self._failures.lost as error:
                log.warning(
                    "replica lost", deployment=self.name, attempt=attempt, kind=_name(error)
                )
        raise ServiceUnreachable(f"the {self.name} deployment", "its replica died")

    async def _once(self, start: Callable[[], Awaitable[T]]) -> T:
        try:
            return await start()
        except self._failures.wrapped as error:
            cause = getattr(error, "cause", None)
            if isinstance(cause, BaseException):
                raise cause from None
            raise
        except self._failures.refused as error:
            raise Overloaded(1) from error
        except self._failures.absent as error:
            raise ServiceUnreachable(f"the {self.name} deployment", "it is not deployed") from error


async def together(parts: Mapping[str, Awaitable[T]]) -> dict[str, T | DevMindError]:
    """Await everything at once; a part that fails on purpose becomes its error.

    Raises:
        Exception: Whatever a part raised that is not ours.
    """
    results = await asyncio.gather(*parts.values(), return_exceptions=True)
    outcome: dict[str, T | DevMindError] = {}
    for name, result in zip(parts, results, strict=True):
        if isinstance(result, BaseException) and not isinstance(result, DevMindError):
            raise result
        outcome[name] = result
    return outcome


def _name(error: BaseException) -> str:
    return type(error).__name__
