"""Structured logs: JSON lines on stderr for machines, coloured text on a terminal for people."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

Level = Literal["debug", "info", "warning", "error"]

LONGEST = 4000
"""Characters of a field; of a longer one the middle is left out."""
_CUT = " ... "
_SECRET = ("key", "token", "password", "secret", "authorization")
_PASSWORD = re.compile(r"(\b[a-zA-Z][\w+.-]*://[^\s:/@]*):[^\s/@]+@")
_NUMBERS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(
    *,
    json: bool | None = None,
    also: Sequence[Processor] = (),
    hear: Callable[[Mapping[str, Any]], None] | None = None,
    level: Level = "debug",
    stream: TextIO | None = None,
) -> None:
    """Set up logging for a process; called by entry points only.

    Args:
        json: Whether to write JSON; by default unless stderr is a terminal.
        also: Processors that add what this process knows of the request it works for.
        hear: Told every event, without its secrets.
        level: Lines below it are not written.
        stream: Where they go; by default stderr as it is now.
    """

    def tell(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        if hear is not None:
            hear(dict(event))
        return event

    as_json = json if json is not None else not sys.stderr.isatty()
    last = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *also,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if as_json else _unchanged,
            hide_secrets,
            bound_fields,
            tell,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_NUMBERS[level]),
        logger_factory=structlog.WriteLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace every field whose name sounds like a secret, and passwords within addresses.

    Example:
        >>> hide_secrets(None, "info", {"event": "hello", "api_key": "abc"})
        {'event': 'hello', 'api_key': '***'}
        >>> hide_secrets(None, "info", {"event": "no postgresql://ann:abc@db/ci"})
        {'event': 'no postgresql://ann:***@db/ci'}
    """
    for name, value in event.items():
        if name != "event" and any(word in name.lower() for word in _SECRET):
            event[name] = "***"
        elif isinstance(value, str) and "://" in value:
            event[name] = _PASSWORD.sub(r"\1:***@", value)
    return event


def bound_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Shorten fields that are too long for a line: the beginning and the end stay.

    Example:
        >>> len(bound_fields(None, "info", {"event": "x" * 10**6})["event"])
        4000
    """
    for name, value in event.items():
        if value is None or isinstance(value, (bool, int, float)):
            continue
        text = value if isinstance(value, str) else repr(value)
        if len(text) > LONGEST:
            end = (LONGEST - len(_CUT)) // 2
            event[name] = f"{text[: LONGEST - len(_CUT) - end]}{_CUT}{text[-end:]}"
    return event


def _unchanged(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return event
