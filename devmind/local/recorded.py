"""What the history and the registry on this machine hold, asked of a process that can read them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from devmind.local.commands import Commands


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestBuild:
    """The build of a project that was queued last."""

    build_id: str
    pipeline: str
    queued_at: str
    branch: str = ""
    commit: str = ""
    message: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedProject:
    """How much of a project is recorded."""

    project: str
    last_sequence: int
    builds: int
    finished: int
    tests: int
    newest: NewestBuild | None = None


def projects(commands: Commands) -> list[RecordedProject]:
    """Return what the history holds; creates its tables if there are none.

    Raises:
        StepFailed: If it cannot be read.
    """
    return [_project(fields) for fields in _ask(commands, "history")]


def champions(commands: Commands) -> dict[str, str | None]:
    """Return the champion's version of every model, by its name in code.

    Raises:
        StepFailed: If the registry cannot be read.
    """
    answer = _ask(commands, "champions")
    return {str(model): version for model, version in answer.items()}


def events(recorded: Sequence[RecordedProject]) -> int:
    """Return the number of events in the history."""
    return sum(project.last_sequence for project in recorded)


def _ask(commands: Commands, what: str) -> Any:
    script = str(commands.root / "scripts" / "recorded.py")
    text = commands.run(f"look at the {what}", [sys.executable, script, what])
    return json.loads(text.strip().splitlines()[-1])


def _project(fields: dict[str, Any]) -> RecordedProject:
    newest = fields.pop("newest")
    if newest is not None:
        newest = NewestBuild(**newest | {"files": tuple(newest["files"])})
    return RecordedProject(**fields, newest=newest)
