"""A recorded history as examples, in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from devmind.errors import NotFound
from history.events import StoredEvent, TestsReported
from history.store import HistoryStore
from training.examples import Examples
from training.replay import Kind, of_builds, of_tests

OnProject = Callable[[str], None]
"""Told which project is replayed next."""


def projects_of(store: HistoryStore, wanted: str = "") -> list[str]:
    """Return the projects to evaluate: *wanted*, or all.

    Raises:
        NotFound: If *wanted* was never recorded, or nothing was.
    """
    known = sorted(summary.project for summary in store.projects())
    if wanted and wanted in known:
        return [wanted]
    if wanted or not known:
        recorded = ", ".join(known[:10]) or "nothing; see `devmind import`"
        raise NotFound("project", wanted or "at all", f"Recorded: {recorded}.")
    return known


def replayed(
    store: HistoryStore, projects: Sequence[str], kind: Kind, on_project: OnProject
) -> dict[str, Examples]:
    """Replay *projects* and return the examples of those that have any."""
    found = {}
    for project in projects:
        on_project(project)
        examples = _examples(project, list(store.read(project)), kind)
        if examples is not None and len(examples):
            found[project] = examples
    return found


def _examples(project: str, events: list[StoredEvent], kind: Kind) -> Examples | None:
    if kind == "builds":
        return of_builds(project, events)
    reports = any(isinstance(event, TestsReported) for event in events)
    return of_tests(project, events) if reports else None
