"""Training jobs get a lease, a holder, the cluster they run on, and a log that survives them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what ended before was counted before, what runs has a lease that is over."""
    with op.batch_alter_table("jobs") as table:
        table.add_column(sa.Column("lease_until", sa.DateTime(timezone=True)))
        table.add_column(sa.Column("holder", sa.String(100), nullable=False, server_default=""))
        table.add_column(sa.Column("cluster", sa.String(200), nullable=False, server_default=""))
        table.add_column(sa.Column("counted", sa.Boolean, nullable=False, server_default=sa.true()))
    op.execute("UPDATE jobs SET lease_until = updated_at")
    with op.batch_alter_table("jobs") as table:
        table.alter_column("lease_until", nullable=False)
        for name in ("holder", "cluster", "counted"):
            table.alter_column(name, server_default=None)
    op.create_table(
        "job_logs",
        sa.Column("job_id", sa.String(100), sa.ForeignKey("jobs.job_id"), primary_key=True),
        sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("text", sa.String, nullable=False),
    )
