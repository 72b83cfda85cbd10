"""The tables, as the newest migration in `history.migrations` leaves them."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    text,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime on every database; SQLite keeps it without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give UTC back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


metadata = MetaData()

projects = Table(
    "projects",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("last_sequence", BigInteger, nullable=False),
    Column("builds", Integer, nullable=False),
    Column("finished", Integer, nullable=False),
    Column("tests", Integer, nullable=False),
)
"""One row a project; a writer locks it, which is what makes the sequence dense."""

builds = Table(
    "builds",
    metadata,
    Column("build_id", String(32), primary_key=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("pipeline", String(200), nullable=False),
    Column("external_id", String(200), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("queued_at", UtcDateTime, nullable=False),
    Index("builds_by_pipeline", "project_id", "pipeline"),
)

events = Table(
    "events",
    metadata,
    Column("project_id", ForeignKey("projects.id"), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(8), nullable=False),
    Column("build_id", ForeignKey("builds.build_id"), nullable=False),
    Column("part", String(400), nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("first_new_test", Integer, nullable=False),
    Column("new_tests", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("build_id", "kind", "part", name="one_event_of_a_kind"),
)
"""`part` is a report's name. The tests `first_new_test ... + new_tests - 1` appear here first."""

tests = Table(
    "tests",
    metadata,
    Column("project_id", ForeignKey("projects.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name_digest", LargeBinary(16), nullable=False),
    Column("name", String(2000), nullable=False),
    Column("file", String(4096), nullable=False),
    Column("first_sequence", BigInteger, nullable=False),
    UniqueConstraint("project_id", "name_digest", name="one_number_a_name"),
)
"""Unique by digest: a name of 2,000 characters is longer than PostgreSQL can index."""

snapshots = Table(
    "snapshots",
    metadata,
    Column("project_id", ForeignKey("projects.id"), primary_key=True),
    Column("state", String(200), primary_key=True),
    Column("as_of", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False, server_default=text("CURRENT_TIMESTAMP")),
)

ACTIVE = text("state IN ('queued', 'running')")

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", String(100), primary_key=True),
    Column("model", String(100), nullable=False),
    Column("state", String(20), nullable=False),
    Column("progress", Float, nullable=False),
    Column("stage", String(200), nullable=False),
    Column("detail", String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime, nullable=False),
    Column("holder", String(100), nullable=False),
    Column("cluster", String(200), nullable=False),
    Column("counted", Boolean, nullable=False),
    Index(
        "one_active_job_a_model", "model", unique=True, sqlite_where=ACTIVE, postgresql_where=ACTIVE
    ),
    Index("jobs_by_creation", "created_at"),
)
"""`counted`: whether a replica has counted the end of the job in its metrics."""

job_logs = Table(
    "job_logs",
    metadata,
    Column("job_id", ForeignKey("jobs.job_id"), primary_key=True),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("text", String, nullable=False),
)
"""What a job wrote, in pieces; `first` is the offset of a piece's first character."""

UNLINKED = text("build_id IS NULL")

predictions = Table(
    "predictions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", String(100), nullable=False),
    Column("version", String(20), nullable=False),
    Column("role", String(20), nullable=False),
    Column("made_by", String(20), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("as_of", BigInteger, nullable=False),
    Column("project", String(200), nullable=False),
    Column("pipeline", String(200), nullable=False),
    Column("branch", String(400), nullable=False),
    Column("commit", String(400), nullable=False),
    Column("build_id", String(32)),
    Column("body", LargeBinary, nullable=False),
    Column("known_at", BigInteger),
    Column("outcome", LargeBinary),
    UniqueConstraint("build_id", "model", "version", name="one_prediction_a_version"),
    Index("predictions_by_outcome", "model", "project", "version", "known_at"),
    Index(
        "predictions_without_build",
        "model",
        "project",
        sqlite_where=UNLINKED,
        postgresql_where=UNLINKED,
    ),
)
"""What was said of a build; `build_id` is empty until a question that named none finds its build.
`known_at` is the number of the event that told the outcome."""

watches = Table(
    "watches",
    metadata,
    Column("model", String(100), primary_key=True),
    Column("project", String(200), primary_key=True),
    Column("as_of", BigInteger, nullable=False),
    Column("drift", LargeBinary, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)
"""Up to which event a model's predictions for a project have been compared with what happened."""

leases = Table(
    "leases",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("holder", String(100), nullable=False),
    Column("until", UtcDateTime, nullable=False),
)
"""Who does a piece of background work for now, so that others need not."""
