"""Why a database did not answer, in words that give away no address, user or password."""

from __future__ import annotations

import re

_BY_STATE = {
    "08": "the connection broke",
    "28": "the server refuses the user or its password",
    "3D": "there is no such database",
    "53": "the server is out of connections, memory or disk",
    "55P03": "another writer holds the project for too long",
    "57": "the server is shutting down or stopped the query",
    "25P03": "the server ended an idle transaction",
    "25006": "the database is read-only",
    "42P01": "its tables are missing; run the migrations",
    "42501": "the user lacks a right on the tables",
    "58": "the server's disk does not work",
}
_BY_WORD = {
    "password authentication failed": "the server refuses the user or its password",
    "no pg_hba.conf entry": "the server does not accept this client",
    "does not exist": "there is no such database or user",
    "connection refused": "nothing listens at its address",
    "timeout": "no connection within the time limit",
    "resolve host": "its host name is unknown",
    "translate host": "its host name is unknown",
    "no such file": "nothing listens at its address",
    "starting up": "the server is starting up",
    "shutting down": "the server is shutting down or stopped the query",
    "database is locked": "another process has been writing for too long",
    "unable to open": "its file cannot be opened",
    "readonly": "its file is read-only",
    "disk is full": "the disk is full",
    "disk i/o": "the disk does not work",
    "malformed": "its file is damaged",
    "not a database": "its file is no SQLite database",
    "no such table": "its tables are missing; run the migrations",
}


def reason(error: BaseException | None) -> str:
    """Say why *error*, raised by a database driver, happened.

    Example:
        >>> reason(OSError('connection to "db.example" failed: Connection refused'))
        'nothing listens at its address'
    """
    state = str(getattr(error, "sqlstate", None) or "")
    for known in (state, state[:2]):
        if known in _BY_STATE:
            return _BY_STATE[known]
    words = str(error).lower()
    for word, meaning in _BY_WORD.items():
        if re.search(rf"\b{re.escape(word)}\b", words):
            return meaning
    return f"{type(error).__name__} {state}".strip()
