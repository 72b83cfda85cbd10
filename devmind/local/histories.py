"""The first step of `up`: a history to learn from, real or simulated."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devmind.errors import InvalidInput, UnreadableSource
from devmind.local.commands import Commands, python
from devmind.local.failures import StepFailed
from devmind.local.layout import Layout
from devmind.local.recorded import RecordedProject, events, projects
from devmind.local.remembered import Remembered, fingerprint

_UNUSABLE = 3
"""Exit code of `history.load` for a source that it cannot read."""

Says = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the history is to hold: the files at `path`, or else a simulated company."""

    path: Path | None = None
    simulate_seed: int = 1


class Histories:
    """Brings files into the history on this machine, each only once.

    Args:
        layout: Where files go.
        commands: Runs the importer and the simulator.
        remembered: What was imported before; kept up to date.
    """

    def __init__(self, layout: Layout, commands: Commands, remembered: Remembered) -> None:
        self._layout = layout
        self._commands = commands
        self._remembered = remembered

    def ensure(self, wanted: Wanted, says: Says) -> tuple[list[RecordedProject], str]:
        """Return what the history holds then, and in a few words what was done for it.

        Without a path, a history that holds anything is left as it is.

        Raises:
            UnreadableSource: If there is nothing at the path.
            StepFailed: If the importer or the simulator fails.
        """
        before = projects(self._commands)
        if wanted.path is not None:
            return self._real(wanted.path.expanduser().resolve(), before, says)
        if before:
            return before, f"{_counts(before)}, kept"
        return self._simulated(wanted.simulate_seed, says)

    def _real(
        self, path: Path, before: list[RecordedProject], says: Says
    ) -> tuple[list[RecordedProject], str]:
        try:
            print_now = fingerprint(path)
        except OSError as error:
            reason = str(error.strerror).lower()
            raise UnreadableSource(str(path), reason, "Check HISTORY=PATH.") from error
        if before and self._remembered.sources.get(str(path)) == print_now:
            return before, f"{_counts(before)}; {path.name} was imported before"
        after = self._load(path, print_now, says)
        new = events(after) - events(before)
        return after, f"{_counts(after)}; {new} new events from {path.name}"

    def _simulated(self, seed: int, says: Says) -> tuple[list[RecordedProject], str]:
        folder = self._layout.simulated
        if not folder.is_dir():
            self._simulate(folder, seed, says)
        after = self._load(folder, fingerprint(folder), says)
        self._remembered.simulated = [project.project for project in after]
        self._save()
        return after, f"{_counts(after)}, simulated"

    def _simulate(self, folder: Path, seed: int, says: Says) -> None:
        """Write the company aside first, so that *folder* is whole or not there."""
        says("simulating a company")
        draft = folder.with_name(f".{folder.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        command = python("devmind.simulate", str(draft), "--seed", str(seed))
        self._commands.run("simulate", command, on_line=says)
        draft.rename(folder)

    def _load(self, path: Path, print_now: str, says: Says) -> list[RecordedProject]:
        says(f"importing {path.name}")
        command = python("history.load", str(path), "--json")
        try:
            self._commands.run("import", command, on_line=lambda line: says(_progress(line)))
        except StepFailed as error:
            if error.code != _UNUSABLE or not error.last_lines:
                raise
            what, why = "the history cannot be used", error.last_lines[-1]
            raise InvalidInput(what, str(path), why) from error
        self._remembered.sources[str(path)] = print_now
        self._save()
        return projects(self._commands)

    def _save(self) -> None:
        self._remembered.save(self._layout.memory_of_steps)


def _counts(recorded: list[RecordedProject]) -> str:
    builds = sum(project.builds for project in recorded)
    return f"{builds} builds of {len(recorded)} project{'' if len(recorded) == 1 else 's'}"


def _progress(line: str) -> str:
    """Put a line of `history.load --json` into words."""
    try:
        fields = json.loads(line)
        done, total = fields["done"], fields["total"]
    except (ValueError, KeyError, TypeError):
        return line
    return f"{done:,} builds" if total is None else f"{done:,} of {total:,} builds"
