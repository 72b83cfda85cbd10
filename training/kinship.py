"""Projects that share commits: forks, mirrors, one repository under two names.

Rows of such a project are no second opinion: they tell of the very builds a model is asked about.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from history.events import BuildQueued, StoredEvent

Kin = Mapping[str, frozenset[str]]
"""Project -> the other projects it shares commits with; one without any is not in it."""


def kin_of(commits: Mapping[str, Collection[str]]) -> dict[str, frozenset[str]]:
    """Return which projects share commits.

    Args:
        commits: Project -> the commits it has built; an empty name is none.

    Example:
        >>> kin_of({"shop": {"a", "b"}, "fork": {"b"}, "docs": {"c", ""}, "wiki": {""}})
        {'shop': frozenset({'fork'}), 'fork': frozenset({'shop'})}
    """
    builders: dict[str, set[str]] = {}
    for project, built in commits.items():
        for commit in built:
            if commit:
                builders.setdefault(commit, set()).add(project)
    found: dict[str, frozenset[str]] = {}
    for project, built in commits.items():
        shared = (builders[commit] for commit in built if commit)
        others = frozenset[str]().union(*shared) - {project}
        if others:
            found[project] = others
    return found


def noting_commits(events: Iterable[StoredEvent], commits: set[str]) -> Iterator[StoredEvent]:
    """Pass on *events* and add the commits that were built to *commits*."""
    for event in events:
        if isinstance(event, BuildQueued) and event.build.change.commit:
            commits.add(event.build.change.commit)
        yield event
