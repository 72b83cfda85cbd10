"""A module that is there and yet is not found: for processes that would import it for nothing."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from types import FrameType


class LeftOut(MetaPathFinder):
    """Says that a module is not there, for as long as nobody has imported it yet.

    Args:
        module: Its name.
        by: The name of the module that is told so; by default all are.
    """

    def __init__(self, module: str, *, by: str | None = None) -> None:
        self._module = module
        self._by = by

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """Leave the search to others.

        Raises:
            ModuleNotFoundError: If it is for the module that is left out.
        """
        del path, target
        if fullname == self._module and self._by in (None, _importer()):
            raise ModuleNotFoundError(f"{fullname} is left out here", name=fullname)


def _importer() -> str:
    """Return the name of the module whose import is under way."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - nothing else knows who imports
    while frame is not None and "importlib" in frame.f_code.co_filename:
        frame = frame.f_back
    return "" if frame is None else str(frame.f_globals.get("__name__", ""))
