"""Write events: one transaction, under the lock of the project's row.

The lock is what makes the sequence dense and its order the order in which events become visible:
no reader can see event 8 before event 7 exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, text, update

from devmind.errors import ContradictingRepeat, InvalidInput, NotFound
from history import catalogue
from history.catalogue import Catalogues, Interning
from history.drafts import FINISHED, QUEUED, TESTS, Draft, Key
from history.events import NamedTest, Receipt
from history.names import storable
from history.tables import builds, events, projects

_IDS_A_QUERY = 500
_NEW_PROJECT = text(
    "INSERT INTO projects (name, last_sequence, builds, finished, tests)"
    " VALUES (:name, 0, 0, 0, 0) ON CONFLICT (name) DO NOTHING"
)

_PROJECT = (
    select(projects).where(projects.c.name == bindparam("name")).with_for_update(key_share=True)
)
_RECORDED = select(
    events.c.build_id,
    events.c.kind,
    events.c.part,
    events.c.sequence,
    events.c.digest,
    events.c.project_id,
).where(events.c.build_id.in_(bindparam("ids", expanding=True)))
_GROWN = (
    update(projects)
    .where(projects.c.id == bindparam("project_id"))
    .values(
        last_sequence=bindparam("sequence"),
        builds=projects.c.builds + bindparam("new_builds"),
        finished=projects.c.finished + bindparam("new_finished"),
        tests=projects.c.tests + bindparam("new_tests"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What a transaction did: its receipts, and the tests to remember once it is committed."""

    receipts: list[Receipt]
    project_id: int
    tests: tuple[NamedTest, ...]


@dataclass(slots=True, kw_only=True)
class _Pending:
    """Rows of one transaction, before they are written."""

    sequence: int
    builds: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    tests: list[tuple[NamedTest, int]] = field(default_factory=list)

    def count(self, kind: str) -> int:
        return sum(event["kind"] == kind for event in self.events)


def append(
    connection: Connection, catalogues: Catalogues, project: str, drafts: Sequence[Draft]
) -> Appended:
    """Write *drafts* in order, but for those that are there already.

    Raises:
        ContradictingRepeat: If one is there with different contents.
        NotFound: If one is about a build that was never queued.
        InvalidInput: If one is about a build of another project.
    """
    row = _lock(connection, project, drafts)
    recorded = _recorded(connection, row.id, drafts)
    pending = _Pending(sequence=row.last_sequence)
    interning = _interning(connection, catalogues, row, drafts, recorded)
    receipts = [_place(draft, row.id, recorded, pending, interning) for draft in drafts]
    _write(connection, row.id, pending)
    return Appended(
        receipts=receipts, project_id=row.id, tests=tuple(test for test, _ in pending.tests)
    )


def _lock(connection: Connection, project: str, drafts: Sequence[Draft]) -> Row[Any]:
    row = connection.execute(_PROJECT, {"name": project}).one_or_none()
    if row is not None:
        return row
    if not any(draft.kind == QUEUED for draft in drafts):
        raise _never_queued(drafts[0])
    connection.execute(_NEW_PROJECT, {"name": project})
    return connection.execute(_PROJECT, {"name": project}).one()


def _recorded(
    connection: Connection, project_id: int, drafts: Sequence[Draft]
) -> dict[Key, tuple[int, bytes]]:
    ids = sorted({draft.build_id for draft in drafts if storable(draft.build_id)})
    found: dict[Key, tuple[int, bytes]] = {}
    for start in range(0, len(ids), _IDS_A_QUERY):
        some = {"ids": ids[start : start + _IDS_A_QUERY]}
        for build_id, kind, part, sequence, digest, owner in connection.execute(_RECORDED, some):
            if owner != project_id:
                advice = "Send its events to the project it was queued in."
                raise InvalidInput("build of another project", build_id, advice)
            found[build_id, kind, part] = (sequence, digest)
    return found


def _interning(
    connection: Connection,
    catalogues: Catalogues,
    row: Row[Any],
    drafts: Sequence[Draft],
    recorded: dict[Key, tuple[int, bytes]],
) -> Interning:
    if any(draft.report is not None and draft.key not in recorded for draft in drafts):
        known = catalogues.numbers(connection, row.id, row.tests)
        return Interning(known=known, count=row.tests)
    return Interning(known={}, count=row.tests)


def _place(
    draft: Draft,
    project_id: int,
    recorded: dict[Key, tuple[int, bytes]],
    pending: _Pending,
    interning: Interning,
) -> Receipt:
    if draft.key in recorded:
        sequence, digest = recorded[draft.key]
        if digest != draft.digest:
            raise ContradictingRepeat(draft.kind, draft.build_id, sequence)
        return _receipt(draft, sequence, repeated=True)
    if draft.kind != QUEUED and (draft.build_id, QUEUED, "") not in recorded:
        raise _never_queued(draft)
    pending.sequence += 1
    recorded[draft.key] = (pending.sequence, draft.digest)
    first_new_test = interning.next_number
    body = _body(draft, pending, interning)
    pending.events.append(
        {
            "project_id": project_id,
            "sequence": pending.sequence,
            "kind": draft.kind,
            "build_id": draft.build_id,
            "part": draft.part,
            "digest": draft.digest,
            "first_new_test": first_new_test,
            "new_tests": interning.next_number - first_new_test,
            "body": body,
        }
    )
    if draft.build is not None:
        pending.builds.append(_build_row(draft, project_id))
    return _receipt(draft, pending.sequence, repeated=False)


def _body(draft: Draft, pending: _Pending, interning: Interning) -> bytes:
    if draft.report is None:
        return draft.body
    tests, added = interning.number(draft.report.names, draft.report.files)
    pending.tests += ((test, pending.sequence) for test in added)
    return draft.report.pack(tests)


def _build_row(draft: Draft, project_id: int) -> dict[str, Any]:
    assert draft.build is not None  # noqa: S101 - the caller has looked
    return {
        "build_id": draft.build_id,
        "project_id": project_id,
        "pipeline": draft.build.pipeline,
        "external_id": draft.build.external_id,
        "attempt": draft.build.attempt,
        "queued_at": draft.build.queued_at,
    }


def _write(connection: Connection, project_id: int, pending: _Pending) -> None:
    if not pending.events:
        return
    if pending.builds:
        connection.execute(insert(builds), pending.builds)
    catalogue.add(connection, project_id, pending.tests)
    connection.execute(insert(events), pending.events)
    grown = {
        "project_id": project_id,
        "sequence": pending.sequence,
        "new_builds": pending.count(QUEUED),
        "new_finished": pending.count(FINISHED),
        "new_tests": len(pending.tests),
    }
    connection.execute(_GROWN, grown)


def _receipt(draft: Draft, sequence: int, *, repeated: bool) -> Receipt:
    return Receipt(build_id=draft.build_id, kind=draft.kind, sequence=sequence, repeated=repeated)


def _never_queued(draft: Draft) -> NotFound:
    what = {TESTS: "its tests", FINISHED: "its end"}[draft.kind]
    return NotFound("build", draft.build_id, f"Record that it was queued before {what}.")
