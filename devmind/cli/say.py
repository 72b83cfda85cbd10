"""Where words go: answers to stdout, everything said about them to stderr."""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

DEBUG = "DEVMIND_DEBUG"


def line(text: str) -> None:
    """Write one line of the answer to stdout."""
    sys.stdout.write(text + "\n")


def text(written: str) -> None:
    """Write *written* to stdout as it is."""
    sys.stdout.write(written)
    sys.stdout.flush()


def as_json(value: Any) -> None:
    """Write *value* to stdout as one JSON document."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def show(*renderables: RenderableType) -> None:
    """Write tables for people to stdout."""
    out = console()
    for renderable in renderables:
        out.print(renderable)


def note(text: str) -> None:
    """Tell people something on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def warn(text: str) -> None:
    """Warn people on stderr."""
    note(f"devmind: warning: {text}")


def fail(error: BaseException, *, expected: bool) -> None:
    """Say what went wrong on stderr, with a traceback only when `DEVMIND_DEBUG` asks for it."""
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    if expected:
        note(f"devmind: {error}")
        return
    first_line = (str(error).strip() or "no details").splitlines()[0]
    text = f"{type(error).__name__}: {first_line}"
    note(f"devmind: unexpected error: {text} (set {DEBUG}=1 and run it again to see the details)")


def console(*, stderr: bool = False) -> Console:
    """Return a console for stdout or stderr; colours only on a terminal."""
    from rich.console import Console  # noqa: PLC0415  keeps scripts that need no table quick

    return Console(stderr=stderr, soft_wrap=False, highlight=False)
