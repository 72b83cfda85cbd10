"""What was predicted and what came of it: predictions, watches, leases."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _predictions()
    op.create_table(
        "watches",
        sa.Column("model", sa.String(100), primary_key=True),
        sa.Column("project", sa.String(200), primary_key=True),
        sa.Column("as_of", sa.BigInteger, nullable=False),
        sa.Column("drift", sa.LargeBinary, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("holder", sa.String(100), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    )


def _predictions() -> None:
    op.create_table(
        "predictions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("version", sa.String(20), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("made_by", sa.String(20), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("as_of", sa.BigInteger, nullable=False),
        sa.Column("project", sa.String(200), nullable=False),
        sa.Column("pipeline", sa.String(200), nullable=False),
        sa.Column("branch", sa.String(400), nullable=False),
        sa.Column("commit", sa.String(400), nullable=False),
        sa.Column("build_id", sa.String(32), nullable=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("known_at", sa.BigInteger, nullable=True),
        sa.Column("outcome", sa.LargeBinary, nullable=True),
        sa.UniqueConstraint("build_id", "model", "version", name="one_prediction_a_version"),
    )
    op.create_index(
        "predictions_by_outcome", "predictions", ["model", "project", "version", "known_at"]
    )
    op.create_index(
        "predictions_without_build",
        "predictions",
        ["model", "project"],
        sqlite_where=sa.text("build_id IS NULL"),
        postgresql_where=sa.text("build_id IS NULL"),
    )
