"""Read events back: by the primary key, in order, with the names of the tests that are new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from devmind.ci import BuildId
from history import catalogue
from history.bodies import decode_outcome, decode_queued
from history.columns import Unpacked, unpack
from history.drafts import FINISHED, QUEUED, TESTS
from history.events import BuildFinished, BuildQueued, NamedTest, StoredEvent, TestsReported
from history.tables import events

AnyRow = Row[*tuple[Any, ...]]

_ALWAYS = 2**63 - 1
_PAGE = (
    select(
        events.c.sequence,
        events.c.kind,
        events.c.build_id,
        events.c.part,
        events.c.first_new_test,
        events.c.new_tests,
        events.c.body,
    )
    .where(events.c.project_id == bindparam("project_id"))
    .where(events.c.sequence > bindparam("after"))
    .where(events.c.sequence <= bindparam("until"))
    .order_by(events.c.sequence)
    .limit(bindparam("limit"))
)


def tail(
    connection: Connection, project_id: int, *, after: int, until: int | None, limit: int
) -> tuple[list[StoredEvent], int]:
    """Read at most *limit* events after *after*, up to and including *until*.

    Returns:
        The events, and how many bytes they take in the database.
    """
    until = _ALWAYS if until is None else until
    page = {"project_id": project_id, "after": after, "until": until, "limit": limit}
    rows = connection.execute(_PAGE, page).all()
    new_tests = _new_tests(connection, project_id, rows)
    size = sum(len(row.body) for row in rows)
    return [_event(row, new_tests) for row in rows], size


def queued_body(connection: Connection, build_id: str) -> bytes | None:
    """Read the stored form of a queued build."""
    query = select(events.c.body).where(
        events.c.build_id == build_id, events.c.kind == QUEUED, events.c.part == ""
    )
    return connection.execute(query).scalar_one_or_none()


def queued_event(connection: Connection, build_id: str) -> BuildQueued | None:
    """Read the queued event of a build."""
    query = select(events.c.sequence, events.c.body).where(
        events.c.build_id == build_id, events.c.kind == QUEUED, events.c.part == ""
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    build = decode_queued(row.body)
    return BuildQueued(sequence=row.sequence, build_id=BuildId(build_id), build=build)


def report_body(connection: Connection, project_id: int, sequence: int) -> bytes | None:
    """Read the stored form of the test report at *sequence*."""
    query = select(events.c.body).where(
        events.c.project_id == project_id,
        events.c.sequence == sequence,
        events.c.kind == TESTS,
    )
    return connection.execute(query).scalar_one_or_none()


def reports_of(connection: Connection, build_id: str, *, until: int) -> list[Unpacked]:
    """Read the test reports of a build up to and including event *until*, in order."""
    query = (
        select(events.c.body)
        .where(events.c.build_id == build_id, events.c.kind == TESTS, events.c.sequence <= until)
        .order_by(events.c.sequence)
    )
    return [unpack(body) for body in connection.execute(query).scalars()]


def _new_tests(
    connection: Connection, project_id: int, rows: Sequence[AnyRow]
) -> dict[int, NamedTest]:
    spans = [(r.first_new_test, r.first_new_test + r.new_tests) for r in rows if r.new_tests]
    if not spans:
        return {}
    found = catalogue.names(connection, project_id, spans[0][0], spans[-1][1])
    return {test.number: test for test in found}


def _event(row: AnyRow, new_tests: dict[int, NamedTest]) -> StoredEvent:
    sequence, kind, build_id, part, first, count, body = row
    if kind == QUEUED:
        build = decode_queued(body)
        return BuildQueued(sequence=sequence, build_id=BuildId(build_id), build=build)
    if kind == FINISHED:
        outcome = decode_outcome(body)
        return BuildFinished(sequence=sequence, build_id=BuildId(build_id), outcome=outcome)
    found = unpack(body)
    return TestsReported(
        sequence=sequence,
        build_id=BuildId(build_id),
        report=part,
        tests=found.tests,
        verdicts=found.verdicts,
        durations_s=found.durations_s,
        attempts=found.attempts,
        new_tests=tuple(new_tests[number] for number in range(first, first + count)),
    )
