"""Structured logs: JSON lines on stderr for machines, coloured text on a terminal for people."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from structlog.types import EventDict, WrappedLogger

_SECRET = ("key", "token", "password", "secret", "authorization")


def configure(
    *, json: bool | None = None, also: Callable[[Mapping[str, Any]], None] | None = None
) -> None:
    """Set up logging for a process; called by entry points only.

    Args:
        json: Whether to write JSON; by default unless stderr is a terminal.
        also: Hears every event, without its secrets.
    """

    def tell(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        if also is not None:
            also(dict(event))
        return event

    as_json = json if json is not None else not sys.stderr.isatty()
    last = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            hide_secrets,
            tell,
            structlog.processors.format_exc_info if as_json else _unchanged,
            last,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the value of every field whose name sounds like a secret.

    Example:
        >>> hide_secrets(None, "info", {"event": "hello", "api_key": "abc"})
        {'event': 'hello', 'api_key': '***'}
    """
    for name in event:
        if name != "event" and any(word in name.lower() for word in _SECRET):
            event[name] = "***"
    return event


def _unchanged(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return event
