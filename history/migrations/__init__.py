"""Alembic's scripts: every step from an empty database to the tables of `history.tables`."""
