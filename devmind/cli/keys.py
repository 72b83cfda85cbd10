"""`devmind key`: makes API keys; the service only ever sees their hashes."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from typing import Annotated

import typer

from devmind.cli import options, say
from devmind.errors import InvalidInput

app = typer.Typer(no_args_is_help=True, help="API keys for a service.")

SCOPES = ("record", "predict", "admin")


@app.command("new")
def new_key(
    name: Annotated[str, typer.Argument(help="Whose key it is, such as a CI system's name.")],
    *,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help="record, predict or admin; give it once for each."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Make a key: print it once, and the line the service keeps of it.

    The line goes into the file that DEVMIND_API_KEYS_FILE names; the key into the CI system's
    secrets as DEVMIND_API_KEY.

    For example:

        devmind key new jenkins --scope record --scope predict
    """
    key, line = make_key(name, scope or ("record", "predict"))
    if as_json:
        say.as_json({"key": key, "line": line})
        return
    say.line(f"key   {key}")
    say.line(f"line  {line}")
    say.note("Keep the key secret; it cannot be shown again. The line is safe to store.")


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
