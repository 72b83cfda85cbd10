"""The durable history: what was recorded, in order, for ever."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Literal, Self

from sqlalchemy import Connection, bindparam, select

from devmind.ci import BuildId, QueuedBuild
from devmind.errors import InvalidInput, NotFound
from history import catalogue, reading, snapshots, tables
from history.append import append
from history.bodies import decode_queued
from history.catalogue import Catalogues
from history.columns import Unpacked, unpack_messages
from history.database import Database
from history.drafts import Recordable, drafts
from history.events import (
    BuildFinished,
    BuildQueued,
    NamedTest,
    ProjectSummary,
    Receipt,
    Snapshot,
    StoredEvent,
    TestsReported,
)
from history.names import check_names, storable

_FIRST_PAGE, _SMALLEST_PAGE, _LARGEST_PAGE = 256, 8, 2_000
_PAGE_BYTES = 16 * 2**20
_MAX_STATE_NAME = 200
_NAMED = tables.projects.c.name == bindparam("name")
_LAST = select(tables.projects.c.last_sequence).where(_NAMED)
_ID = select(tables.projects.c.id).where(_NAMED)


class HistoryStore:
    """Appends events and reads them back; safe to share among threads, not across a fork.

    Args:
        database: Migrated; closed with the store.
        keep_snapshots: How many snapshots of a project's state are kept; see `snapshots.spaced`.
    """

    def __init__(self, database: Database, *, keep_snapshots: int = 3) -> None:
        self._database = database
        self._keep_snapshots = keep_snapshots
        self._catalogues = Catalogues()
        self._project_ids: dict[str, int] = {}

    def append(self, project: str, events: Sequence[Recordable]) -> list[Receipt]:
        """Record *events* of *project* in their order: all of them or none, durable on return.

        An event that is recorded already changes nothing; its receipt says so and where it is.

        Raises:
            ContradictingRepeat: If an event is recorded already with different contents.
            NotFound: If a finished or tests event is about a build that was never queued.
            InvalidInput: If an event is of another project or cannot be stored.
            HistoryUnavailable: If the database does not answer; sending again is always safe.
        """
        ready = drafts(project, events)
        if not ready:
            return []
        with self._database.write() as connection:
            appended = append(connection, self._catalogues, project, ready)
        self._catalogues.committed(appended.project_id, appended.tests)
        return appended.receipts

    def tail(
        self, project: str, *, after: int = 0, limit: int = 1000, until: int | None = None
    ) -> list[StoredEvent]:
        """Return the first *limit* events after *after* (and up to *until*), in order.

        Costs one indexed query when there is nothing new.
        """
        return self._page(project, after=after, limit=limit, until=until)[0]

    def read(
        self, project: str, *, after: int = 0, until: int | None = None
    ) -> Iterator[StoredEvent]:
        """Yield all events after *after* (and up to *until*), in order.

        Pages are sized so that they take about 16 MiB at most, however large the reports.
        """
        limit = _FIRST_PAGE
        while True:
            page, size = self._page(project, after=after, limit=limit, until=until)
            yield from page
            if len(page) < limit:
                return
            after = page[-1].sequence
            fitting = len(page) * _PAGE_BYTES // max(size, 1)
            limit = min(max(fitting, _SMALLEST_PAGE), _LARGEST_PAGE)

    def reports(self, project: str, build_id: BuildId, *, until: int) -> list[TestsReported]:
        """Return a build's test reports up to event *until*, in order, without new tests' names."""
        with self._database.read() as connection:
            project_id = self._id(connection, project)
            if project_id is None:
                return []
            return reading.reports_of(connection, project_id, build_id, until=until)

    def ends(
        self, project: str, build_ids: Sequence[BuildId], *, until: int
    ) -> list[BuildFinished]:
        """Return the ends, up to event *until*, of those of *build_ids* that have ended."""
        with self._database.read() as connection:
            project_id = self._id(connection, project)
            if project_id is None:
                return []
            return reading.ends_of(connection, project_id, build_ids, until=until)

    def late(
        self, project: str, kind: Literal["tests", "finished"], *, after: int, queued_until: int
    ) -> list[tuple[int, int]]:
        """Return what came after event *after* of builds queued up to event *queued_until*.

        Returns:
            Numbers of events: when the build was queued, and the later one of *kind*; by the
            latter.
        """
        with self._database.read() as connection:
            project_id = self._id(connection, project)
            if project_id is None:
                return []
            return reading.late(
                connection, project_id, kind, after=after, queued_until=queued_until
            )

    def digest(self, project: str, sequence: int) -> bytes | None:
        """Return 16 bytes that stand for the event at *sequence*; `None` if there is none."""
        with self._database.read() as connection:
            project_id = self._id(connection, project)
            if project_id is None:
                return None
            return reading.digest_at(connection, project_id, sequence)

    def last_sequence(self, project: str) -> int:
        """Return the sequence number of the newest event; 0 for an unknown project."""
        if not storable(project):
            return 0
        with self._database.read() as connection:
            return connection.execute(_LAST, {"name": project}).scalar_one_or_none() or 0

    def projects(self) -> list[ProjectSummary]:
        """Return how much is recorded of each project, by name."""
        with self._database.read() as connection:
            rows = connection.execute(select(tables.projects)).all()
        found = [
            ProjectSummary(
                project=row.name,
                last_sequence=row.last_sequence,
                builds=row.builds,
                finished=row.finished,
                tests=row.tests,
            )
            for row in rows
        ]
        return sorted(found, key=lambda summary: summary.project)

    def newest_projects(self, limit: int) -> list[str]:
        """Return the *limit* projects whose newest events are of the builds queued last."""
        with self._database.read() as connection:
            return reading.newest_projects(connection, limit)

    def pipelines(self) -> list[tuple[str, str]]:
        """Return the project and name of every pipeline, sorted."""
        builds, projects = tables.builds, tables.projects
        query = select(projects.c.name, builds.c.pipeline).join_from(builds, projects).distinct()
        with self._database.read() as connection:
            return sorted((name, pipeline) for name, pipeline in connection.execute(query))

    def build(self, build_id: str) -> QueuedBuild:
        """Return a build as it was queued.

        Raises:
            NotFound: If there is none.
        """
        body = None
        if storable(build_id):
            with self._database.read() as connection:
                body = reading.queued_body(connection, build_id)
        if body is None:
            raise NotFound("build", build_id, "Record that it was queued first.")
        return decode_queued(body)

    def test_names(self, project: str) -> list[NamedTest]:
        """Return the tests of *project*; each one's place in the list is its number."""
        with self._database.read() as connection:
            project_id = self._id(connection, project)
            return [] if project_id is None else catalogue.names(connection, project_id)

    def messages(self, project: str, sequence: int) -> list[str]:
        """Return the messages of the test report at *sequence*, one a run, empty where none was.

        Raises:
            NotFound: If there is no test report at *sequence*.
        """
        body = None
        with self._database.read() as connection:
            project_id = self._id(connection, project)
            if project_id is not None:
                body = reading.report_body(connection, project_id, sequence)
        if body is None:
            raise NotFound("test report", f"{project} {sequence}")
        return unpack_messages(body)

    def queued(self, build_id: str) -> BuildQueued:
        """Return the event by which a build was queued.

        Raises:
            NotFound: If there is none.
        """
        with self._database.read() as connection:
            found = reading.queued_event(connection, build_id) if storable(build_id) else None
        if found is None:
            raise NotFound("build", build_id, "Record that it was queued first.")
        return found

    def unpacked_reports(self, build_id: str, *, until: int) -> list[Unpacked]:
        """Return what was reported of a build's tests up to and including event *until*."""
        with self._database.read() as connection:
            return reading.unpacked_reports(connection, build_id, until=until)

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a frozen state; the oldest of the project's snapshots of this state may go.

        Raises:
            NotFound: If the project is unknown.
            InvalidInput: If the snapshot claims events that do not exist.
        """
        check_names("state", [snapshot.state], longest=_MAX_STATE_NAME)
        last = self.last_sequence(snapshot.project)
        if not 0 <= snapshot.as_of <= last:
            advice = f"The newest event of the project is {last}."
            raise InvalidInput("as_of of a snapshot", snapshot.as_of, advice)
        with self._database.write() as connection:
            project_id = self._id(connection, snapshot.project)
            if project_id is None:
                raise NotFound("project", snapshot.project)
            snapshots.save(connection, project_id, snapshot, keep=self._keep_snapshots)

    def load_snapshot(
        self, project: str, state: str, *, until: int | None = None
    ) -> Snapshot | None:
        """Return the newest snapshot of *state* (at most as new as event *until*), or `None`."""
        with self._database.read() as connection:
            project_id = self._id(connection, project)
            if project_id is None or not storable(state):
                return None
            return snapshots.load(connection, project, project_id, state, until=until)

    def ping(self) -> None:
        """Ask the database for an answer.

        Raises:
            HistoryUnavailable: If there is none, or its tables are missing.
        """
        with self._database.read() as connection:
            connection.execute(select(tables.projects.c.id).limit(1))

    def close(self) -> None:
        """Close the database's connections."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _page(
        self, project: str, *, after: int, limit: int, until: int | None
    ) -> tuple[list[StoredEvent], int]:
        with self._database.read() as connection:
            project_id = self._id(connection, project)
            if project_id is None:
                return [], 0
            return reading.tail(connection, project_id, after=after, until=until, limit=limit)

    def _id(self, connection: Connection, project: str) -> int | None:
        if project not in self._project_ids and storable(project):
            found = connection.execute(_ID, {"name": project}).scalar_one_or_none()
            if found is not None:
                self._project_ids[project] = found
        return self._project_ids.get(project)
