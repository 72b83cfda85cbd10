"""Frozen states: the newest few of each project and kind of state."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, text

from history.events import Snapshot
from history.tables import snapshots

_PUT = text(
    "INSERT INTO snapshots (project_id, state, as_of, body)"
    " VALUES (:project_id, :state, :as_of, :body)"
    " ON CONFLICT (project_id, state, as_of) DO UPDATE SET body = excluded.body"
)


def save(connection: Connection, project_id: int, snapshot: Snapshot, *, keep: int) -> None:
    """Write *snapshot* and delete all but the newest *keep* of its state."""
    row = {
        "project_id": project_id,
        "state": snapshot.state,
        "as_of": snapshot.as_of,
        "body": snapshot.body,
    }
    connection.execute(_PUT, row)
    of_state = (snapshots.c.project_id == project_id) & (snapshots.c.state == snapshot.state)
    newest = select(snapshots.c.as_of).where(of_state).order_by(snapshots.c.as_of.desc())
    oldest_kept = connection.execute(newest.offset(keep - 1).limit(1)).scalar_one_or_none()
    if oldest_kept is not None:
        connection.execute(delete(snapshots).where(of_state, snapshots.c.as_of < oldest_kept))


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
