"""What Alembic runs: the steps, on the connection and in the transaction it was handed."""

from alembic import context


def run() -> None:
    """Run the steps that Alembic has chosen."""
    context.configure(
        connection=context.config.attributes["connection"], transaction_per_migration=False
    )
    context.run_migrations()


if hasattr(context, "config"):  # set while Alembic runs this file, and only then
    run()
