"""Read events back: by the primary key, in order, with the names of the tests that are new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from devmind.ci import BuildId
from history import catalogue
from history.bodies import decode_outcome, decode_queued
from history.columns import Unpacked, unpack
from history.drafts import FINISHED, QUEUED, TESTS
from history.events import BuildFinished, BuildQueued, NamedTest, StoredEvent, TestsReported
from history.tables import builds, events, projects

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
# Found by their builds alone: told a project and an order too, SQLite walks the whole project.
_REPORTS = select(events.c.project_id, events.c.sequence, events.c.part, events.c.body).where(
    events.c.build_id == bindparam("build_id"), events.c.kind == TESTS
)
_ENDS = select(events.c.project_id, events.c.sequence, events.c.build_id, events.c.body).where(
    events.c.build_id.in_(bindparam("ids", expanding=True)), events.c.kind == FINISHED
)
_BEGUN = events.alias("begun")
_LATE = (
    select(_BEGUN.c.sequence.label("queued"), events.c.sequence)
    .join_from(
        events,
        _BEGUN,
        (_BEGUN.c.build_id == events.c.build_id) & (_BEGUN.c.kind == QUEUED),
    )
    .where(events.c.project_id == bindparam("project_id"))
    .where(events.c.kind == bindparam("kind"))
    .where(events.c.sequence > bindparam("after"))
    .where(_BEGUN.c.sequence <= bindparam("queued_until"))
    .order_by(events.c.sequence)
)
_IDS_A_QUERY = 500


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


def newest_projects(connection: Connection, limit: int) -> list[str]:
    """Read the *limit* projects whose newest events are of the builds queued last."""
    newest = (events.c.project_id == projects.c.id) & (
        events.c.sequence == projects.c.last_sequence
    )
    query = (
        select(projects.c.name)
        .join_from(projects, events, newest)
        .join(builds, builds.c.build_id == events.c.build_id)
        .order_by(builds.c.queued_at.desc(), projects.c.name)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


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


def unpacked_reports(connection: Connection, build_id: str, *, until: int) -> list[Unpacked]:
    """Read the test reports of a build up to and including event *until*, in order."""
    query = (
        select(events.c.body)
        .where(events.c.build_id == build_id, events.c.kind == TESTS, events.c.sequence <= until)
        .order_by(events.c.sequence)
    )
    return [unpack(body) for body in connection.execute(query).scalars()]


def reports_of(
    connection: Connection, project_id: int, build_id: str, *, until: int
) -> list[TestsReported]:
    """Read the reports of a build up to event *until*, in order, without the names of tests."""
    rows = _of_project(connection.execute(_REPORTS, {"build_id": build_id}), project_id, until)
    return [_report(row.sequence, build_id, row.part, row.body, ()) for row in rows]


def ends_of(
    connection: Connection, project_id: int, build_ids: Sequence[str], *, until: int
) -> list[BuildFinished]:
    """Read the ends, up to event *until*, of those of *build_ids* that have ended."""
    found: list[BuildFinished] = []
    for first in range(0, len(build_ids), _IDS_A_QUERY):
        some = build_ids[first : first + _IDS_A_QUERY]
        found += [
            BuildFinished(
                sequence=row.sequence,
                build_id=BuildId(row.build_id),
                outcome=decode_outcome(row.body),
            )
            for row in _of_project(connection.execute(_ENDS, {"ids": some}), project_id, until)
        ]
    return sorted(found, key=lambda end: end.sequence)


def _of_project(rows: Iterable[AnyRow], project_id: int, until: int) -> list[AnyRow]:
    """Return those of *rows* that are a project's up to event *until*, in order."""
    known = (row for row in rows if row.project_id == project_id and row.sequence <= until)
    return sorted(known, key=lambda row: row.sequence)


def late(
    connection: Connection, project_id: int, kind: str, *, after: int, queued_until: int
) -> list[tuple[int, int]]:
    """Read what came after event *after* of builds queued up to event *queued_until*.

    Returns:
        The build's queued event and the late one, for each event of *kind*.
    """
    wanted = {
        "project_id": project_id,
        "kind": kind,
        "after": after,
        "queued_until": queued_until,
    }
    return [(row.queued, row.sequence) for row in connection.execute(_LATE, wanted)]


def digest_at(connection: Connection, project_id: int, sequence: int) -> bytes | None:
    """Read the digest of the event at *sequence*."""
    query = select(events.c.digest).where(
        events.c.project_id == project_id, events.c.sequence == sequence
    )
    return connection.execute(query).scalar_one_or_none()


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
    named = tuple(new_tests[number] for number in range(first, first + count))
    return _report(sequence, build_id, part, body, named)


def _report(
    sequence: int, build_id: str, part: str, body: bytes, new_tests: tuple[NamedTest, ...]
) -> TestsReported:
    found = unpack(body)
    return TestsReported(
        sequence=sequence,
        build_id=BuildId(build_id),
        report=part,
        tests=found.tests,
        verdicts=found.verdicts,
        durations_s=found.durations_s,
        attempts=found.attempts,
        new_tests=new_tests,
    )
