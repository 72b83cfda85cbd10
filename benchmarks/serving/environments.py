"""Virtual environments of peers: they are no dependencies of the project, and never will be."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

_REQUIREMENTS = Path(__file__).parent
_TIMEOUT_S = 900


class NoEnvironment(Exception):
    """A peer's environment could not be made."""


def environment_of(peer: str, cache: Path, says: Callable[[str], None]) -> Path:
    """Return the folder of the programs of *peer*'s environment, made at first use.

    Args:
        peer: Its pinned packages are in `requirements-PEER.txt` beside this file.
        cache: Where environments are kept.
        says: Hears that one is made.

    Raises:
        NoEnvironment: If Python or pip fails.
    """
    requirements = _REQUIREMENTS / f"requirements-{peer}.txt"
    folder = cache / f"venv-{peer}"
    done, print_of = folder / "made_of", sha256(requirements.read_bytes()).hexdigest()
    if not done.is_file() or done.read_text() != print_of:
        says(f"{peer}: making its environment, which takes a minute or two")
        _run(peer, [sys.executable, "-m", "venv", "--clear", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        _run(peer, [*pip, "install", "--quiet", "--no-deps", "-r", str(requirements)])
        done.write_text(print_of)
    return folder / "bin"


def _run(peer: str, command: list[str]) -> None:
    try:
        subprocess.run(  # noqa: S603 - our own Python, no shell
            command, check=True, capture_output=True, text=True, timeout=_TIMEOUT_S
        )
    except subprocess.CalledProcessError as error:
        said = (error.stderr or "").strip().splitlines()
        raise NoEnvironment(f"{peer}: {said[-1] if said else error}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoEnvironment(f"{peer}: {error}") from error
