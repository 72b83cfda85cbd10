"""Which requests are told of, and by which id: the caller's, made harmless."""

from __future__ import annotations

import re

LONGEST = 128
PROBES = frozenset(("/health", "/ready", "/metrics"))
"""Asked by machines every few seconds: neither logged nor traced, they would bury the others."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._:/=+-]")


def harmless(sent: str) -> str:
    r"""Return what of an id may go into logs and answers; empty if nothing may.

    Example:
        >>> harmless("build 7\n{}")
        'build7'
    """
    return _UNSAFE.sub("", sent)[:LONGEST]
