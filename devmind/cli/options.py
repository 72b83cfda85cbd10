"""Options that several commands share, each with its help and its environment variable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_SERVICE = "Service"
_BUILD = "The build"

Url = Annotated[
    str | None,
    typer.Option(
        "--url", help="Address of the service. [env: DEVMIND_URL]", rich_help_panel=_SERVICE
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--api-key-file",
        help="File that holds the API key; or set DEVMIND_API_KEY. [env: DEVMIND_API_KEY_FILE]",
        rich_help_panel=_SERVICE,
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print the answer as JSON on stdout, and nothing else there.")
]
Project = Annotated[
    str | None,
    typer.Option(
        "--project",
        envvar="DEVMIND_PROJECT",
        help="Project, such as owner/name; by default from the CI system or the git remote.",
        rich_help_panel=_BUILD,
    ),
]
Pipeline = Annotated[
    str | None,
    typer.Option(
        "--pipeline",
        envvar="DEVMIND_PIPELINE",
        help="Workflow or pipeline definition; by default from the CI system.",
        rich_help_panel=_BUILD,
    ),
]
ExternalId = Annotated[
    str | None,
    typer.Option(
        "--external-id",
        envvar="DEVMIND_EXTERNAL_ID",
        help="What the CI system calls this run.",
        rich_help_panel=_BUILD,
    ),
]
Attempt = Annotated[
    int | None,
    typer.Option(
        "--attempt",
        min=1,
        envvar="DEVMIND_ATTEMPT",
        help="1 for the first try, 2 for its first rerun, ...",
        rich_help_panel=_BUILD,
    ),
]
Trigger = Annotated[
    str | None,
    typer.Option(
        "--trigger",
        envvar="DEVMIND_TRIGGER",
        help="Why it runs: push, pull_request, schedule, ...",
        rich_help_panel=_BUILD,
    ),
]
Branch = Annotated[
    str | None,
    typer.Option(
        "--branch",
        envvar="DEVMIND_BRANCH",
        help="The branch that is built.",
        rich_help_panel=_BUILD,
    ),
]
Author = Annotated[
    str | None,
    typer.Option(
        "--author",
        envvar="DEVMIND_AUTHOR",
        help="Who made the change.",
        rich_help_panel=_BUILD,
    ),
]
Commit = Annotated[
    str | None,
    typer.Option(
        "--commit",
        envvar="DEVMIND_COMMIT",
        help="The commit; by default the one that is checked out.",
        rich_help_panel=_BUILD,
    ),
]
Base = Annotated[
    str | None,
    typer.Option(
        "--base",
        envvar="DEVMIND_BASE",
        help="Compare with this revision to find the changed files, such as origin/main.",
        rich_help_panel=_BUILD,
    ),
]
Changed = Annotated[
    list[str] | None,
    typer.Option(
        "--changed",
        metavar="FILE",
        help="A changed file; give it once for each. Replaces what git says.",
        rich_help_panel=_BUILD,
    ),
]
BuildId = Annotated[
    str | None,
    typer.Option(
        "--build",
        envvar="DEVMIND_BUILD",
        help="A build that is recorded: ask about that one instead of the checkout.",
        rich_help_panel=_BUILD,
    ),
]
