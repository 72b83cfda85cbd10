"""Memory of a container: what it may take at most, and what it has taken."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.pods.image import bound

_V1, _V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Cgroup:
    """A control group for one container; without rights to make one, a limit that nobody keeps.

    Attributes:
        name: Of its folder.
        limit: Bytes of memory, 0 for any number.
    """

    name: str
    limit: int

    @property
    def _first(self) -> bool:
        return (_V1 / "memory.limit_in_bytes").is_file()

    @property
    def _folder(self) -> Path:
        return (_V1 if self._first else _V2) / self.name

    def make(self) -> Cgroup:
        """Make it."""
        with suppress(OSError):
            self._folder.mkdir()
            file = "memory.limit_in_bytes" if self._first else "memory.max"
            unlimited = "-1" if self._first else "max"
            (self._folder / file).write_text(str(self.limit) if self.limit else unlimited)
        return self

    def enter(self) -> list[str]:
        """Return what a command starts with that runs in it."""
        procs = self._folder / "cgroup.procs"
        return ["sh", "-c", f'echo $$ >{procs} && exec "$@"', "sh"] if procs.exists() else []

    def seen(self) -> list[str]:
        """Return the options of bubblewrap that let the container see it as Kubernetes does."""
        where = str(_V1 if self._first else _V2)
        return bound(where, self._folder) if self._folder.is_dir() else []

    def peak(self) -> int:
        """Return the most bytes that it has taken at a time, pages of files included."""
        file = "memory.max_usage_in_bytes" if self._first else "memory.peak"
        path = self._folder / file
        return int(path.read_text()) if path.is_file() else 0

    def remove(self) -> None:
        """Remove it, once nothing runs in it any more."""
        with suppress(OSError):
            self._folder.rmdir()
