"""Prints what the image needs, one requirement a line, from `pyproject.toml`.

    python image_requirements.py          everything the service and its jobs import
    python image_requirements.py torch    the one of that name

Installing from this list, and not from the project, keeps the layer while only code changes.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path


def requirements(pyproject: str) -> list[str]:
    """Return the requirements of the command line and of the service.

    Args:
        pyproject: The text of `pyproject.toml`.
    """
    project = tomllib.loads(pyproject)["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["server"]]


def named(wanted: list[str], name: str) -> list[str]:
    """Return those of *wanted* that are for the distribution *name*."""
    return [one for one in wanted if re.split(r"[\[<>=!~ ;]", one, maxsplit=1)[0] == name]


def main(arguments: list[str]) -> None:
    """Print the requirements, or the one that *arguments* name."""
    wanted = requirements(Path("pyproject.toml").read_text(encoding="utf-8"))
    for one in named(wanted, arguments[0]) if arguments else wanted:
        sys.stdout.write(f"{one}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
