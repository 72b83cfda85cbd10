"""What was predicted for builds, and what came of them; bodies are opaque here.

A build has at most one prediction of each version of a model. One that a caller was given stands
above the one that the watcher made for itself, until the outcome is known; then nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from history import leases
from history.bodies import pack, unpack
from history.database import Database
from history.linking import Told, fitting
from history.names import storable
from history.predicted import Prediction, Step, Watch
from history.tables import predictions, watches

UNLINKED_DAYS = 2
"""How long a prediction waits for its build."""
_WAITING = 2_000
_KEY = ("build_id", "model", "version")
_LONGEST = {"pipeline": 200, "branch": 400, "commit": 400}


Judge = Callable[[bytes, Told], bytes]
"""What was said and what is told -> what came of it."""


class PredictionStore:
    """Remembers predictions in the history's database; safe to share among threads.

    Args:
        database: Migrated; closed with the store.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def remember(self, made: Sequence[Prediction]) -> None:
        """Keep predictions that callers were given, or that a shadow made beside them.

        The first one of a build and version stays; one that the watcher made before gives way.

        Raises:
            HistoryUnavailable: If the database does not answer; none is kept then.
        """
        rows = [_row(one) for one in made if storable(one.project)]
        if rows:
            with self._database.write() as connection:
                _put(connection, rows)

    def advance(self, step: Step, judge: Judge) -> list[Prediction] | None:
        """Write what watching has brought, all of it or nothing.

        Args:
            step: What it has brought.
            judge: Says what came of a prediction.

        Returns:
            The predictions whose outcome was written; `None` if another process has looked at
            these events meanwhile: nothing is written then.

        Raises:
            HistoryUnavailable: If the database does not answer; nothing is written then.
        """
        with self._database.write() as connection:
            if not _moved(connection, step):
                return None
            _put(connection, [_row(one) for one in step.made])
            _link(connection, step)
            return _judge(connection, step, judge)

    def scored(self, model: str, project: str, version: str, *, limit: int) -> list[Prediction]:
        """Return the newest *limit* predictions whose outcome is known, newest first."""
        query = (
            select(predictions)
            .where(
                predictions.c.model == model,
                predictions.c.project == project,
                predictions.c.version == version,
                predictions.c.known_at.is_not(None),
            )
            .order_by(predictions.c.known_at.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return [_prediction(row) for row in connection.execute(query).mappings()]

    def pairs(
        self, model: str, first: str, second: str, *, limit: int
    ) -> list[tuple[Prediction, Prediction]]:
        """Return what two versions said of the same builds whose outcome is known, newest first.

        Builds of which only one of them said something are left out.
        """
        known = (predictions.c.model == model) & predictions.c.known_at.is_not(None)
        one, other = predictions.alias("one"), predictions.alias("other")
        ids = (
            select(one.c.id, other.c.id)
            .join(other, (one.c.build_id == other.c.build_id) & (one.c.model == other.c.model))
            .where(
                one.c.model == model,
                one.c.version == first,
                other.c.version == second,
                one.c.known_at.is_not(None),
                other.c.known_at.is_not(None),
            )
            .order_by(other.c.id.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            found = [(a, b) for a, b in connection.execute(ids)]
            wanted = [number for pair in found for number in pair]
            query = select(predictions).where(known, predictions.c.id.in_(wanted))
            rows = {row["id"]: _prediction(row) for row in connection.execute(query).mappings()}
        return [(rows[a], rows[b]) for a, b in found if a in rows and b in rows]

    def of_build(self, build_id: str) -> list[Prediction]:
        """Return everything that was said of a build."""
        query = select(predictions).where(predictions.c.build_id == build_id)
        with self._database.read() as connection:
            return [_prediction(row) for row in connection.execute(query).mappings()]

    def watches(self, model: str) -> dict[str, Watch]:
        """Return how far each project has been watched."""
        query = select(watches).where(watches.c.model == model)
        with self._database.read() as connection:
            found = [Watch(**_named(row)) for row in connection.execute(query).mappings()]
        return {watch.project: watch for watch in found}

    def lease(self, name: str, holder: str, *, now: datetime, for_s: float) -> bool:
        """Take or renew a lease; false while another holder has it."""
        with self._database.write() as connection:
            return leases.take(connection, name, holder, now=now, for_s=for_s)

    def forget_unlinked(self, *, now: datetime) -> int:
        """Drop predictions whose build never came; return how many."""
        old = now - timedelta(days=UNLINKED_DAYS)
        change = delete(predictions).where(
            predictions.c.build_id.is_(None), predictions.c.made_at < old
        )
        with self._database.write() as connection:
            return connection.execute(change).rowcount

    def close(self) -> None:
        """Close the database's connections."""
        self._database.close()


def _put(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows; one that a caller was given replaces one that the watcher made."""
    put = _insert(connection, predictions)
    given = ("role", "made_by", "made_at", "as_of", "body")
    said = put.on_conflict_do_update(
        index_elements=_KEY,
        set_={name: put.excluded[name] for name in given},
        where=(predictions.c.made_by == "watcher")
        & (put.excluded.made_by == "service")
        & predictions.c.known_at.is_(None),
    )
    if rows:
        connection.execute(said, list(rows))


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def _moved(connection: Connection, step: Step) -> bool:
    """Move the mark from *before* to *after*; false if it is not where it was."""
    mark = {"as_of": step.after, "drift": step.drift, "updated_at": step.now}
    of_step = (watches.c.model == step.model) & (watches.c.project == step.project)
    if step.before is not None:
        there = of_step & (watches.c.as_of == step.before)
        return connection.execute(update(watches).where(there).values(mark)).rowcount > 0
    first = _insert(connection, watches).on_conflict_do_nothing().returning(watches.c.as_of)
    row = {"model": step.model, "project": step.project, **mark}
    # Rows are counted by what comes back: drivers do not count an insert alike.
    return connection.execute(first, row).first() is not None


def _link(connection: Connection, step: Step) -> None:
    """Find the builds of questions that named none."""
    if not step.told:
        return
    waiting = select(predictions).where(
        predictions.c.model == step.model,
        predictions.c.project == step.project,
        predictions.c.build_id.is_(None),
    )
    newest = waiting.order_by(predictions.c.id.desc()).limit(_WAITING)
    rows = [dict(row) for row in connection.execute(newest).mappings()][::-1]
    for told in step.told:
        found = fitting(told, rows)
        for row in found:
            _join(connection, row, told.build_id)
        gone = {row["id"] for row in found}
        rows = [row for row in rows if row["id"] not in gone]


def _join(connection: Connection, row: Mapping[str, Any], build_id: str) -> None:
    same = (predictions.c.build_id == build_id) & (predictions.c.model == row["model"])
    same &= predictions.c.version == row["version"]
    connection.execute(
        delete(predictions).where(
            same, predictions.c.made_by == "watcher", predictions.c.known_at.is_(None)
        )
    )
    taken = connection.execute(select(predictions.c.id).where(same)).first() is not None
    one = predictions.c.id == row["id"]
    if taken:
        connection.execute(delete(predictions).where(one))
    else:
        connection.execute(update(predictions).where(one).values(build_id=build_id))


def _judge(connection: Connection, step: Step, judge: Judge) -> list[Prediction]:
    judged = []
    for told in step.told:
        query = select(predictions).where(
            predictions.c.build_id == told.build_id,
            predictions.c.model == step.model,
            predictions.c.known_at.is_(None),
        )
        for row in connection.execute(query).mappings().all():
            if row["as_of"] >= told.known_at:
                connection.execute(delete(predictions).where(predictions.c.id == row["id"]))
                continue  # it was said after the end was known
            found = _prediction(row)
            outcome = judge(found.body, told)
            change = update(predictions).where(predictions.c.id == row["id"])
            connection.execute(change.values(known_at=told.known_at, outcome=outcome))
            judged.append(replace(found, known_at=told.known_at, outcome=outcome))
    return judged


def _row(one: Prediction) -> dict[str, Any]:
    row = {name: getattr(one, name) for name in Prediction.__slots__}
    for name, longest in _LONGEST.items():
        row[name] = row[name][:longest] if storable(row[name]) else ""
    return {**row, "body": pack(one.body)}


def _prediction(row: RowMapping) -> Prediction:
    named = _named(row)
    named.pop("id")
    return Prediction(**{**named, "body": unpack(named["body"])})


def _named(row: RowMapping) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}
