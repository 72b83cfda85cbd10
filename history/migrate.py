"""Bring a database to the tables this code knows, once, however many processes start together."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Select, column, inspect, select, table, text

from devmind.errors import HistorySchemaMismatch, InvalidInput
from history.database import Database

if TYPE_CHECKING:  # Alembic is loaded when there is something to migrate; replicas find nothing
    from alembic.config import Config

_SCRIPTS = Path(__file__).with_name("migrations")
_WRITTEN = "alembic_version"
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
        _upgrade(connection)


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
    """Return what Alembic has written down, `None` before its first step."""
    if not inspect(connection).has_table(_WRITTEN):
        return None
    written: Select[tuple[str]] = select(column("version_num")).select_from(table(_WRITTEN))
    found = connection.execute(written).scalars().all()
    return str(found[0]) if found else None


@cache
def known() -> tuple[str, ...]:
    """Return the steps that there are, the oldest first: modules are called `vNUMBER_WHAT`."""
    modules = (_SCRIPTS / "versions").glob("v[0-9]*_*.py")
    return tuple(sorted(module.name[1:].partition("_")[0] for module in modules))


def _newest() -> str:
    return known()[-1]


def _check_known(revision: str | None) -> None:
    if revision is not None and revision not in known():
        raise HistorySchemaMismatch(revision, _newest())


def _check_encoding(connection: Connection) -> None:
    encoding = str(connection.execute(text("SHOW server_encoding")).scalar_one())
    if encoding != "UTF8":
        advice = "Test names come in any script: create the database with ENCODING 'UTF8'."
        raise InvalidInput("encoding of the database", encoding, advice)


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - see above

    command.upgrade(_config(connection), "head")


def _config(connection: Connection) -> Config:
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config
