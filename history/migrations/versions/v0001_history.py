"""The first tables: projects, builds, events, interned tests, snapshots, jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ACTIVE = sa.text("state IN ('queued', 'running')")


def upgrade() -> None:
    """Make the tables."""
    _projects()
    _builds()
    _events()
    _tests()
    _snapshots()
    _jobs()


def _projects() -> None:
    op.create_table(
        "projects",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(200), nullable=False, unique=True),
        sa.Column("last_sequence", sa.BigInteger, nullable=False),
        sa.Column("builds", sa.Integer, nullable=False),
        sa.Column("finished", sa.Integer, nullable=False),
        sa.Column("tests", sa.Integer, nullable=False),
    )


def _builds() -> None:
    op.create_table(
        "builds",
        sa.Column("build_id", sa.String(32), primary_key=True),
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id"), nullable=False),
        sa.Column("pipeline", sa.String(200), nullable=False),
        sa.Column("external_id", sa.String(200), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("builds_by_pipeline", "builds", ["project_id", "pipeline"])


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id"), primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("build_id", sa.String(32), sa.ForeignKey("builds.build_id"), nullable=False),
        sa.Column("part", sa.String(400), nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("first_new_test", sa.Integer, nullable=False),
        sa.Column("new_tests", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("build_id", "kind", "part", name="one_event_of_a_kind"),
    )


def _tests() -> None:
    op.create_table(
        "tests",
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name_digest", sa.LargeBinary(16), nullable=False),
        sa.Column("name", sa.String(2000), nullable=False),
        sa.Column("file", sa.String(4096), nullable=False),
        sa.Column("first_sequence", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("project_id", "name_digest", name="one_number_a_name"),
    )


def _snapshots() -> None:
    op.create_table(
        "snapshots",
        sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id"), primary_key=True),
        sa.Column("state", sa.String(200), primary_key=True),
        sa.Column("as_of", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.text("CURRENT_TIMESTAMP"),
        ),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.String(100), primary_key=True),
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("progress", sa.Float, nullable=False),
        sa.Column("stage", sa.String(200), nullable=False),
        sa.Column("detail", sa.String, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index(
        "one_active_job_a_model",
        "jobs",
        ["model"],
        unique=True,
        sqlite_where=ACTIVE,
        postgresql_where=ACTIVE,
    )
    op.create_index("jobs_by_creation", "jobs", ["created_at"])
