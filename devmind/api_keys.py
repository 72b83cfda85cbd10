"""API keys: shown once, and kept by the service as hashes. The standard library is enough."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence

from devmind.errors import InvalidInput

SCOPES = ("record", "predict", "admin")


def make_key(name: str, scopes: Sequence[str]) -> tuple[str, str]:
    """Make a fresh key.

    Returns:
        The key, to be shown once, and the line that the service stores.

    Raises:
        InvalidInput: If the name or a scope will not do.
    """
    chosen = tuple(dict.fromkeys(scopes))
    _check(name, chosen)
    key = "dm_" + secrets.token_urlsafe(32)
    return key, f"{name}:{'+'.join(chosen)}:{hashlib.sha256(key.encode()).hexdigest()}"


def _check(name: str, scopes: tuple[str, ...]) -> None:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
        raise InvalidInput("no name for a key", name, "Use letters, digits, dots, - and _.")
    for scope in scopes:
        if scope not in SCOPES:
            raise InvalidInput("no such scope", scope, f"There are {', '.join(SCOPES)}.")
