"""The commands put together, and what happens when one of them fails."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from devmind import __version__
from devmind.cli import (
    ask,
    evaluate,
    exits,
    imports,
    jobs,
    keys,
    lifecycle,
    model_cards,
    options,
    record,
    running,
    say,
    service,
    status,
    subset,
)
from devmind.errors import DevMindError

HELP = f"""
How long will a build take, will it fail, which tests are worth running?
DevMind learns it from your own CI history.

Start a service here with `devmind up`, or point DEVMIND_URL (and DEVMIND_API_KEY) at yours.

For example:

    devmind import exported-runs/        load what your CI has left behind
    devmind predict --pipeline ci.yml    ask about this checkout
    devmind remaining --build ID         how much longer that build runs
    devmind select --base origin/main    which tests to run for it
    devmind record build                 in CI: tell the service about this run

Exit codes:

{exits.table()}
"""

app = typer.Typer(
    name="devmind",
    help=HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("import")(imports.import_history)
app.add_typer(record.app, name="record")
app.command("predict")(ask.predict)
app.command("remaining")(running.remaining)
app.command("select")(subset.select)
app.command("assess")(ask.assess)
app.command("status")(status.status)
app.command("evaluate")(evaluate.evaluate)
app.command("train")(lifecycle.train)
app.add_typer(model_cards.app, name="model")
app.command("jobs")(jobs.jobs)
app.command("cancel")(jobs.cancel)
app.command("promote")(lifecycle.promote)
app.command("rollback")(lifecycle.rollback)
app.command("up")(service.up)
app.command("down")(service.down)
app.add_typer(keys.app, name="key")


@app.command("version")
def version(*, as_json: options.AsJson = False) -> None:
    """Print the version of this program."""
    if as_json:
        say.as_json({"version": __version__})
    else:
        say.line(__version__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with the exit code that its end stands for.

    Args:
        arguments: Without the program's name; by default this process's.

    Raises:
        SystemExit: Always.
    """
    try:
        app(args=None if arguments is None else list(arguments), prog_name="devmind")
    except DevMindError as error:
        say.fail(error, expected=True)
        sys.exit(exits.exit_code(error))
    except Exception as error:  # noqa: BLE001  no traceback ever reaches a user
        say.fail(error, expected=False)
        sys.exit(exits.ExitCode.UNEXPECTED)
    sys.exit(exits.ExitCode.OK)
