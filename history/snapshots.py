"""Frozen states: of each project and kind of state the newest, and a few far apart before it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select, text

from history.events import Snapshot
from history.tables import snapshots

SPACING = 2_000
"""Events between those snapshots that are kept for readers who start in the past."""
_PUT = text(
    "INSERT INTO snapshots (project_id, state, as_of, body)"
    " VALUES (:project_id, :state, :as_of, :body)"
    " ON CONFLICT (project_id, state, as_of) DO UPDATE SET body = excluded.body"
)


def save(connection: Connection, project_id: int, snapshot: Snapshot, *, keep: int) -> None:
    """Write *snapshot* and keep, of its state, the newest and *keep* - 1 that lie apart."""
    row = {
        "project_id": project_id,
        "state": snapshot.state,
        "as_of": snapshot.as_of,
        "body": snapshot.body,
    }
    connection.execute(_PUT, row)
    of_state = (snapshots.c.project_id == project_id) & (snapshots.c.state == snapshot.state)
    marks = select(snapshots.c.as_of).where(of_state).order_by(snapshots.c.as_of)
    kept = spaced(connection.execute(marks).scalars().all(), keep)
    connection.execute(delete(snapshots).where(of_state, snapshots.c.as_of.not_in(kept)))


def spaced(marks: Sequence[int], keep: int) -> list[int]:
    """Return which snapshots stay: the newest, and before it *keep* - 1 with `SPACING` between.

    Large projects are frozen after few events. Were only the newest kept, the watcher would find
    none that is old enough, and fold a whole history again.

    Args:
        marks: Their events' numbers, ascending.
        keep: How many, at least 1.

    Example:
        >>> spaced([100, 300, 2_200, 2_300, 4_400, 4_500], 3)
        [2200, 4400, 4500]
    """
    apart: list[int] = []
    for mark in marks[:-1]:
        if not apart or mark - apart[-1] >= SPACING:
            apart.append(mark)
    return [*apart, *marks[-1:]][-keep:]


def load(
    connection: Connection, project: str, project_id: int, state: str, *, until: int | None
) -> Snapshot | None:
    """Read the newest snapshot of *state*, at most as new as event *until*."""
    query = select(snapshots.c.as_of, snapshots.c.body).where(
        snapshots.c.project_id == project_id, snapshots.c.state == state
    )
    if until is not None:
        query = query.where(snapshots.c.as_of <= until)
    row = connection.execute(query.order_by(snapshots.c.as_of.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    return Snapshot(project=project, state=state, as_of=row.as_of, body=row.body)
