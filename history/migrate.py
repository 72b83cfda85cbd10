"""Bring a database to the tables this code knows, once, however many processes start together."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from devmind.errors import HistorySchemaMismatch, InvalidInput
from history.database import Database

_SCRIPTS = Path(__file__).with_name("migrations")
_LOCK = 0x6465766D696E64  # any number that all processes agree on


def migrate(database: Database) -> None:
    """Run the missing steps in one transaction; a second process waits and finds nothing to do.

    Raises:
        HistorySchemaMismatch: If a newer DevMind has migrated the database.
        HistoryUnavailable: If the database does not answer.
        InvalidInput: If a PostgreSQL database is not encoded in UTF-8.
    """
    database.prepare()
    if _current(database) == _newest():
        return
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            _check_encoding(connection)
        _check_known(_revision(connection))
        command.upgrade(_config(connection), "head")


def check(database: Database) -> None:
    """Refuse a database that is not exactly at the schema this code knows.

    Raises:
        HistorySchemaMismatch: If it is empty, older or newer.
        HistoryUnavailable: If the database does not answer.
    """
    found = _current(database)
    if found != _newest():
        raise HistorySchemaMismatch(found or "empty", _newest())


def _current(database: Database) -> str | None:
    with database.read() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _newest() -> str:
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _check_known(revision: str | None) -> None:
    scripts = ScriptDirectory.from_config(_config())
    if revision is not None and revision not in {
        step.revision for step in scripts.walk_revisions()
    }:
        raise HistorySchemaMismatch(revision, _newest())


def _check_encoding(connection: Connection) -> None:
    encoding = str(connection.execute(text("SHOW server_encoding")).scalar_one())
    if encoding != "UTF8":
        advice = "Test names come in any script: create the database with ENCODING 'UTF8'."
        raise InvalidInput("encoding of the database", encoding, advice)


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config
