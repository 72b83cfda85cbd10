"""One door to both databases: transactions that are durable when they return, errors that tell."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from devmind.errors import HistoryUnavailable, InvalidInput
from history.reasons import reason

BUSY_TIMEOUT_S = 30
"""How long a writer waits for the other writers of an SQLite file or of a project's row."""

_WRITES = "devmind_writes"
_POOL = {"pool_size": 5, "max_overflow": 15, "pool_timeout": BUSY_TIMEOUT_S}
_ADVICE = "Use sqlite:///PATH/history.db or postgresql://USER@HOST/DATABASE."


class Database:
    """Transactions on SQLite or PostgreSQL.

    A write that returns is on disk: SQLite syncs its log (`synchronous=FULL`), PostgreSQL does
    not run with `synchronous_commit=off`, whatever the server's default is.

    Args:
        engine: From `open_database`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._one_writer: AbstractContextManager[Any] = (
            threading.Lock() if self.is_sqlite else nullcontext()
        )

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads.

        Raises:
            HistoryUnavailable: If the database does not answer.
        """
        with _told(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that writes; it is durable when the block has been left.

        Raises:
            HistoryUnavailable: If the database does not answer; nothing was written, unless the
                connection broke during the commit: then send again, repeats change nothing.
        """
        writer = self._engine.execution_options(**{_WRITES: True})
        with _told(), self._one_writer, writer.begin() as connection:
            yield connection

    def prepare(self) -> None:
        """Switch an SQLite file to write-ahead logging, which it then keeps.

        Raises:
            HistoryUnavailable: If the file cannot be opened or written to.
        """
        if self.is_sqlite:
            with _told(), self._engine.connect() as connection:
                _switch_to_wal(connection.connection.driver_connection)

    def close(self) -> None:
        """Close the pooled connections."""
        self._engine.dispose()


def open_database(url: str) -> Database:
    """Make the engine for *url*; connects to nothing yet, makes an SQLite file's folder.

    Raises:
        InvalidInput: If *url* names no database file or server of a known kind.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return Database(_sqlite(parsed))
    return Database(_postgresql(parsed))


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        raise InvalidInput("DATABASE_URL", "(hidden)", f"It is no URL. {_ADVICE}") from None
    if backend in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise InvalidInput("kind of database in DATABASE_URL", backend, _ADVICE)
    if parsed.database in (None, "", ":memory:"):
        raise InvalidInput("file in DATABASE_URL", parsed.database or "", _ADVICE)
    return parsed.set(drivername="sqlite")


def _sqlite(url: URL) -> Engine:
    Path(url.database or "").absolute().parent.mkdir(parents=True, exist_ok=True)
    arguments = {"timeout": BUSY_TIMEOUT_S}
    engine = create_engine(url, hide_parameters=True, connect_args=arguments, **_POOL)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # `_begin_sqlite` opens the transactions
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _switch_to_wal(connection: Any) -> None:
    give_up_at = time.monotonic() + BUSY_TIMEOUT_S
    while True:  # the switch does not heed the busy timeout
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: URL) -> Engine:
    arguments: dict[str, object] = {"prepare_threshold": None}  # poolers share connections
    defaults = {"connect_timeout": 5, "application_name": "devmind", "client_encoding": "utf8"}
    arguments |= {name: value for name, value in defaults.items() if name not in url.query}
    engine = create_engine(
        url,
        hide_parameters=True,
        connect_args=arguments,
        pool_pre_ping=True,
        pool_recycle=1800,
        **_POOL,
    )
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_postgresql(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, false),"
            " set_config('idle_in_transaction_session_timeout', '60s', false),"
            " set_config('synchronous_commit',"
            " CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'"
            " ELSE current_setting('synchronous_commit') END, false)",
            (f"{BUSY_TIMEOUT_S}s",),
        )
    connection.commit()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise HistoryUnavailable(reason(error.orig)) from None  # the cause may name the server
    except sqlite3.Error as error:
        raise HistoryUnavailable(reason(error)) from None
    except PoolTimeout:
        raise HistoryUnavailable("all database connections are in use") from None
