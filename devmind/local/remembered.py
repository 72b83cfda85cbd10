"""What earlier runs of `up` have done, so that it is not done again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(kw_only=True)
class Remembered:
    """Kept in a JSON file; a lost file costs time, never correctness.

    Attributes:
        sources: Folder or file that was imported -> its fingerprint then.
        simulated: Projects of the simulated company.
        trained_on: Model -> events in the history when `up` trained it.
    """

    sources: dict[str, str] = field(default_factory=dict)
    simulated: list[str] = field(default_factory=list)
    trained_on: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Remembered:
        """Read the file; one that is missing or cannot be read is as good as empty."""
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return cls()

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self), indent=1))
        new.replace(path)


def fingerprint(path: Path) -> str:
    """Describe the files at *path* so that a change shows: number, bytes, newest time.

    Raises:
        OSError: If there is nothing at *path*.
    """
    stats = [path.stat()] if path.is_file() else [entry.stat() for entry in _files(path)]
    newest = max((stat.st_mtime_ns for stat in stats), default=path.stat().st_mtime_ns)
    return f"{len(stats)} files, {sum(stat.st_size for stat in stats)} bytes, {newest}"


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path))
            elif entry.is_file():
                yield entry
