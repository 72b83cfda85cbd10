"""The part of the registry that training needs."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from models.gate import Decision
from models.scorecard import Scorecard


class Versions(Protocol):
    """The part of `models.registry.Registry` that training needs."""

    def register(
        self,
        model: str,
        bundle_folder: Path,
        scorecard: Scorecard,
        *,
        decision: Decision | None = None,
    ) -> str:
        """Store a version."""
        ...

    def find(self, model: str, seal: str) -> str | None:
        """Return the version of the bundle with *seal*, `None` without one."""
        ...

    def record_decision(self, model: str, version: str, decision: Decision) -> None:
        """Write the gate's decision beside a version."""

    def promote(self, model: str, version: str) -> None:
        """Make a version the champion."""

    def champion(self, model: str) -> str | None:
        """Return the champion."""
        ...

    def scorecard(self, model: str, version: str) -> Scorecard:
        """Return a version's scorecard."""
        ...

    def fetch(self, model: str, version: str, into: Path) -> Path:
        """Copy a version's bundle."""
        ...
