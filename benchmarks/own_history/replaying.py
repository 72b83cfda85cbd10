"""From finished builds to rows of tests, through the product's history and features."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from devmind.ci import FinishedBuild
from features.verdict_state import TestState
from features.verdicts.known_tests import KnownTests
from history.events import StoredEvent
from history.load import load
from history.open import open_history
from training.examples import Examples
from training.replay import of_tests


def replayed(project: str, builds: Iterable[FinishedBuild]) -> tuple[list[StoredEvent], Examples]:
    """Record *builds* of one project in a temporary history, and replay its tests.

    Raises:
        ValueError: If the history refuses a build.
    """
    with (
        tempfile.TemporaryDirectory(prefix="devmind-affinity-") as folder,
        open_history(f"sqlite:///{Path(folder, 'history.db')}") as store,
    ):
        result = load(store, builds, on_progress=lambda _: None)
        if result.skipped:
            raise ValueError(f"the history refused {result.skipped[0]}")
        events = list(store.read(project))
    return events, of_tests(project, events)


def known_tests(events: Sequence[StoredEvent]) -> KnownTests:
    """Return the tests of a history as of its last event, by the numbers that rows have."""
    state = TestState()
    for event in events:
        state.update(event)
    return state.tests
