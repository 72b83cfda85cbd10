"""A git repository that is written commit by commit; the same commits give the same hashes."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from benchmarks.own_history.developer import Commit


class Repository:
    """A new repository.

    Args:
        folder: Where; must not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self._git("init", "-q", "-b", "main")

    def commit(self, commit: Commit, at: datetime) -> str:
        """Commit and return the hash.

        Args:
            commit: What.
            at: When it is said to have happened.
        """
        for path, body in commit.files.items():
            place = self.folder / path
            if body is None:
                place.unlink()
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(body)
        self._git("add", "--all", "--force", ".")
        person = {"NAME": commit.author, "EMAIL": f"{commit.author}@example.org"}
        said = {"DATE": at.isoformat(), **person}
        roles = ("AUTHOR", "COMMITTER")
        who = {f"GIT_{role}_{key}": value for role in roles for key, value in said.items()}
        self._git("commit", "-q", "--allow-empty", "--no-verify", "-m", commit.message, more=who)
        return self._git("rev-parse", "HEAD").decode().strip()

    def export(self, commit: str, folder: Path) -> None:
        """Write the files of *commit* into *folder*."""
        with tarfile.open(fileobj=io.BytesIO(self._git("archive", commit))) as tree:
            # As an argument it came with Python 3.11.4; Debian 12 has 3.11.2.
            tree.extraction_filter = getattr(tarfile, "data_filter", None)
            tree.extractall(folder)  # noqa: S202 - what git archived, through the filter above

    def _git(self, *arguments: str, more: Mapping[str, str] | None = None) -> bytes:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(  # noqa: S603 - fixed program, no shell
            ["git", "-c", "core.autocrlf=false", *arguments],  # noqa: S607 - found on the path
            cwd=self.folder,
            env={**inherited, **own, **(more or {})},
            check=True,
            capture_output=True,
        )
        return done.stdout
