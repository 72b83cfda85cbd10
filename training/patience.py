"""A registry that is away for a while is waited for; training is too dear to be lost to that."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import structlog

from devmind.errors import ModelUnavailable
from models.bundle import read_bundle
from models.gate import Decision
from models.scorecard import Scorecard
from training.versions import Versions

log = structlog.get_logger(__name__)
T = TypeVar("T")
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0


class PatientVersions:
    """Versions whose every call is repeated, ever less often, until the registry answers.

    Args:
        versions: The registry.
        patience_s: How long, over all calls together, is waited for it.
        check: Called before every try; raises when waiting has become pointless.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        versions: Versions,
        *,
        patience_s: float,
        check: Callable[[], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._versions = versions
        self._left_s = patience_s
        self._check = check
        self._sleep = sleep

    def register(
        self,
        model: str,
        bundle_folder: Path,
        scorecard: Scorecard,
        *,
        decision: Decision | None = None,
    ) -> str:
        """Store a version, once: a try whose answer was lost is found by the bundle's seal."""
        seal = read_bundle(bundle_folder).seal
        tries = 0

        def put() -> str:
            nonlocal tries
            tries += 1
            stored = self._versions.find(model, seal) if tries > 1 else None
            if stored is not None:
                return stored
            return self._versions.register(model, bundle_folder, scorecard, decision=decision)

        return self._patiently(put)

    def find(self, model: str, seal: str) -> str | None:
        """Return the version of the bundle with *seal*."""
        return self._patiently(lambda: self._versions.find(model, seal))

    def record_decision(self, model: str, version: str, decision: Decision) -> None:
        """Write the gate's decision beside a version."""
        self._patiently(lambda: self._versions.record_decision(model, version, decision))

    def promote(self, model: str, version: str) -> None:
        """Make a version the champion."""
        self._patiently(lambda: self._versions.promote(model, version))

    def champion(self, model: str) -> str | None:
        """Return the champion."""
        return self._patiently(lambda: self._versions.champion(model))

    def scorecard(self, model: str, version: str) -> Scorecard:
        """Return a version's scorecard."""
        return self._patiently(lambda: self._versions.scorecard(model, version))

    def fetch(self, model: str, version: str, into: Path) -> Path:
        """Copy a version's bundle."""
        return self._patiently(lambda: self._versions.fetch(model, version, into))

    def _patiently(self, ask: Callable[[], T]) -> T:
        wait_s = _FIRST_WAIT_S
        while True:
            self._check()
            began = time.monotonic()
            try:
                return ask()
            except ModelUnavailable as error:
                self._left_s -= time.monotonic() - began
                if self._left_s <= 0:
                    raise
                log.warning("registry away", why=error.reason, waits_s=round(wait_s, 1))
            wait_s = min(wait_s, max(self._left_s, 0.0))
            self._sleep(wait_s)
            self._left_s -= wait_s
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
