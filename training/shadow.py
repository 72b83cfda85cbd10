"""Let a registered version answer silently beside the champion.

`python -m training.shadow MODEL VERSION [--builds N] [--promote-if-better]`. Exit codes: 0 it
shadows, 2 there is no such version, or it is the champion.
"""

from __future__ import annotations

from typing import Annotated, Protocol

import typer

from devmind.errors import DevMindError, InvalidInput
from models.names import in_code
from models.shadowing import USUAL_BUILDS, Shadowing

EXIT_REFUSED = 2


class Aliases(Protocol):
    """The part of `models.registry.Registry` that is needed here."""

    def champion(self, model: str) -> str | None:
        """Return the champion."""
        ...

    def start_shadow(self, model: str, shadowing: Shadowing) -> None:
        """Let a version shadow."""


def start_shadow(aliases: Aliases, model: str, shadowing: Shadowing) -> None:
    """Let a version answer beside the champion until it has been compared on its builds.

    Args:
        aliases: The registry.
        model: One of `models.names.MODELS`.
        shadowing: Which version, for how many builds, and what follows.

    Raises:
        InvalidInput: If it is the champion, or there is none to stand beside.
        NotFound: If there is no such version.
    """
    champion = aliases.champion(model)
    if champion is None:
        raise InvalidInput("model to shadow", model, "It has no champion yet; promote one first.")
    if champion == shadowing.version:
        raise InvalidInput("version", shadowing.version, "It is the champion; name another one.")
    aliases.start_shadow(model, shadowing)


def main(
    model: Annotated[str, typer.Argument(help="build-optimizer, failure-predictor, ...")],
    version: Annotated[str, typer.Argument(help="Its number in the registry.")],
    *,
    builds: Annotated[int, typer.Option(min=1, help="Builds to compare on.")] = USUAL_BUILDS,
    promote_if_better: Annotated[
        bool, typer.Option("--promote-if-better", help="Then promote it if the gate agrees.")
    ] = False,
) -> None:
    """Let a registered version answer silently beside the champion."""
    from devmind.settings import ServerSettings  # noqa: PLC0415 - only the command reads it
    from models.registry import Registry  # noqa: PLC0415 - as above

    settings = ServerSettings()
    registry = Registry(settings.tracking_uri, settings.artifacts)
    shadowing = Shadowing(version=version, builds=builds, promote_if_better=promote_if_better)
    try:
        start_shadow(registry, in_code(model), shadowing)
    except DevMindError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_REFUSED) from None
    typer.echo(f"{model} version {version} shadows the champion for {builds} builds")


if __name__ == "__main__":
    typer.run(main)
