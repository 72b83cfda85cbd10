"""`devmind evaluate`: what would have happened had DevMind been on for the last builds."""

# ruff: noqa: PLC0415, PLR0913
# Imports stand where they are needed, so that `devmind --help` is quick; options are arguments.

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from devmind.cli import options
from devmind.cli.exits import ExitCode
from devmind.errors import InvalidInput, UnreadableSource

NEEDED = ("numpy", "sqlalchemy", "xgboost", "torch", "sklearn", "matplotlib")
"""What an evaluation imports and a CI job does not install."""
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""
GRACE_S = 20.0
_BAD_INPUT = 2
"""Exit code of the job for input that it cannot use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to evaluate, and where the report goes.

    Attributes:
        project: One project; all of the history by default.
        last: Newest builds to predict; the job's choice by default.
        history: File or folder of CI history; the service's database by default.
        database_url: Of another database than the service's.
        folder: For the report; none is written by default.
        seed: For everything that is drawn by chance.
        as_json: Whether the report is printed as JSON.
    """

    project: str | None = None
    last: int | None = None
    history: Path | None = None
    database_url: str | None = None
    folder: Path | None = None
    seed: int | None = None
    as_json: bool = False


def evaluate(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[PROJECT]", help="Project to look at; all by default."),
    ] = None,
    *,
    project: Annotated[
        str | None,
        typer.Option("--project", envvar="DEVMIND_PROJECT", help="The same as PROJECT."),
    ] = None,
    last: Annotated[
        int | None, typer.Option("--last", min=1, help="How many of the newest builds to predict.")
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(
            "--history",
            help="File or folder of CI history, as `devmind import` reads it; by default what the "
            "service has recorded.",
        ),
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(
            "--database-url",
            help="Database of the history. [env: DATABASE_URL]",
            show_default=False,
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="Write the report, its tables and pictures here."),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Of chance.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Say what would have happened had DevMind been on for the last builds.

    Your history is replayed in order of time: each build is predicted by models that have learned
    only from builds that had finished before it. Nothing is sent anywhere and nothing is changed.

    You read, for example: "of 143 failing builds you would have missed 2 (1.4 %); you would have
    saved 61 % of test time", with tables and, in the folder, pictures.

    Needs a checkout with the service's libraries (`make install` sees to that).

    For example:

        devmind evaluate shop/web --last 500 --folder report/
        devmind evaluate --history exported-runs/ --json
    """
    wanted = Wanted(
        project=_one(name, project),
        last=last,
        history=history,
        database_url=database_url,
        folder=folder,
        seed=seed,
        as_json=as_json,
    )
    arguments = job_arguments(wanted)
    root = checkout(os.environ)
    from devmind.local.commands import python

    code = run(python("evaluation.job", *arguments), root=root)
    if code != ExitCode.OK:
        raise typer.Exit(code)


def job_arguments(wanted: Wanted) -> list[str]:
    """Return what the job is told; paths are absolute, as it runs in the checkout.

    Raises:
        UnreadableSource: If there is no history at the path.
    """
    if wanted.history is not None and not wanted.history.expanduser().exists():
        raise UnreadableSource(str(wanted.history), "there is nothing", "Check --history.")
    given = (
        ("--project", wanted.project),
        ("--last", wanted.last),
        ("--history", _absolute(wanted.history)),
        ("--database-url", wanted.database_url),
        ("--folder", _absolute(wanted.folder)),
        ("--seed", wanted.seed),
    )
    named = [f"{option}={value}" for option, value in given if value is not None]
    return [*named, *(["--json"] if wanted.as_json else [])]


def checkout(env: Mapping[str, str], *, found: Callable[[str], object | None] = find_spec) -> Path:
    """Return the checkout whose code evaluates.

    Args:
        env: This process's environment.
        found: What importing a module would find.

    Raises:
        UnreadableSource: If this is only the client, or a library of the service is missing.
    """
    from devmind.local.layout import layout

    root = layout(env).root
    missing = [library for library in NEEDED if found(library) is None]
    if missing:
        reason = f"the service's libraries are not installed (no {', '.join(missing)})"
        raise UnreadableSource(str(root), reason, "Run `make install` there, use its .venv.")
    return root


def run(command: Sequence[str], *, root: Path) -> int:
    """Run the job in the foreground; it writes where this program writes.

    Returns:
        The exit code that its end stands for. Ctrl-C ends the job, too.
    """
    process = subprocess.Popen(command, cwd=root, stdin=subprocess.DEVNULL)  # noqa: S603 - ours
    try:
        code = process.wait()
    except KeyboardInterrupt:
        _stop(process)
        return INTERRUPTED
    if code in (-signal.SIGINT, INTERRUPTED):
        return INTERRUPTED
    return {0: ExitCode.OK, _BAD_INPUT: ExitCode.BAD_INPUT}.get(code, ExitCode.UNEXPECTED)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Interrupt the job, which a terminal has done already, and see it end."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(GRACE_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()


def _one(name: str | None, project: str | None) -> str | None:
    if name is not None and project is not None and name != project:
        raise InvalidInput("two projects", f"{name}, {project}", "Name one, or none for all.")
    return name if name is not None else project


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.expanduser().resolve()
