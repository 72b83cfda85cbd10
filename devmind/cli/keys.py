"""`devmind key`: makes API keys; the service only ever sees their hashes."""

from __future__ import annotations

from typing import Annotated

import typer

from devmind.api_keys import make_key
from devmind.cli import options, say

app = typer.Typer(no_args_is_help=True, help="API keys for a service.")


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
