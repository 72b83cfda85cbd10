"""`devmind model show`: what a version is worth, in short, or its whole card as a page."""

# ruff: noqa: PLC0415, PLR0913
# Imports stand where they are needed, so that `devmind --help` is quick; options are arguments.

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devmind.cli import options, say
from devmind.cli.lifecycle import Model, path_name

if TYPE_CHECKING:
    from rich.console import RenderableType

    from devmind.client import ModelCard

SHOWN_GROUPS = 5

app = typer.Typer(help="Look at versions of models.", no_args_is_help=True)


@app.callback()
def _models() -> None:
    """Look at versions of models."""


@app.command("show")
def show(
    model: Model,
    version: Annotated[
        str, typer.Argument(help="The version, as `devmind status` shows it.")
    ] = "champion",
    *,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write the whole card, with charts, to this file.")
    ] = None,
    url: options.Url = None,
    api_key_file: options.KeyFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Show what a version was trained on, what it is worth and where it is weak.

    For example:

        devmind model show failure-predictor
        devmind model show build-optimizer 4 --html card.html
    """
    from devmind.cli.connect import connect

    name = path_name(model)
    with connect(url, api_key_file) as client:
        card = client.card(name, version)
        page = client.card_page(name, version) if html else ""
    if html:
        _write(html, page)
    if as_json:
        say.as_json(card.as_json())
    else:
        say.show(_short(card, version))
        if html:
            say.line(f"The whole card is in {html}")


def _write(path: Path, page: str) -> None:
    from devmind.errors import InvalidInput

    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InvalidInput("file to write", str(path), f"{error.strerror}.") from None


def _short(card: ModelCard, version: str) -> RenderableType:
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=f"{card.model.replace('_', '-')}  {version}", title_justify="left")
    for column in ("metric", "model", *card.baselines):
        table.add_column(column, justify="left" if column == "metric" else "right")
    for name, value in card.metrics.items():
        rules = [_number(rule.get(name)) for rule in card.baselines.values()]
        table.add_row(name, _number(value), *rules)
    leans = ", ".join(str(one.get("name", "")) for one in card.groups[:SHOWN_GROUPS])
    lines = [escape(_rests_on(card)), f"Leans most on: {escape(leans.replace('_', ' '))}"]
    lines += [f"- {escape(limit)}" for limit in card.limits]
    return Group(table, *lines)


def _rests_on(card: ModelCard) -> str:
    learned, measured = card.trained_on, card.measured_on
    projects = len(learned.get("projects", ()))
    return (
        f"Learned from {learned.get('rows', 0):,} rows of {projects} project"
        f"{'' if projects == 1 else 's'} until {str(learned.get('last_queued_at', ''))[:10]}, "
        f"measured on {measured.get('rows', 0):,} newer ones."
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
