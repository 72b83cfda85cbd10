"""A recorded history as examples, in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from devmind.errors import NotFound
from history.events import StoredEvent, TestsReported
from history.store import HistoryStore
from training.examples import Examples
from training.kinship import Kin, kin_of, noting_commits
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
) -> tuple[dict[str, Examples], Kin]:
    """Replay *projects*.

    Returns:
        The examples of those that have any, and which projects share commits.
    """
    found, commits = dict[str, Examples](), dict[str, set[str]]()
    for project in projects:
        on_project(project)
        built = commits.setdefault(project, set())
        events = list(noting_commits(store.read(project), built))
        examples = _examples(project, events, kind)
        if examples is not None and len(examples):
            found[project] = examples
    return found, kin_of(commits)


def _examples(project: str, events: list[StoredEvent], kind: Kind) -> Examples | None:
    if kind == "builds":
        return of_builds(project, events)
    reports = any(isinstance(event, TestsReported) for event in events)
    return of_tests(project, events) if reports else None
