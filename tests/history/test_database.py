import pickle
import sqlite3
from contextlib import closing

import psycopg
import pytest

from devmind.errors import HistoryUnavailable, InvalidInput
from history.database import open_database
from history.open import open_history
from history.reasons import reason


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("mysql://user:hidden@host/db", "mysql"),
        ("sqlite://", "history.db"),
        ("sqlite:///:memory:", ":memory:"),
        ("no url at all: hidden", "hidden"),
        ("", "no URL"),
    ],
)
def test_other_urls_are_refused(url, named):
    """
    A URL of no known kind is refused, with advice and without its password.
    """
    with pytest.raises(InvalidInput) as refused:
        open_database(url)

    assert named in str(refused.value)
    assert "user:hidden" not in str(refused.value)
    assert "postgresql://" in str(refused.value)


def test_folder_is_made(tmp_path):
    """
    The folder of an SQLite history is made when it is missing.
    """
    open_history(f"sqlite:///{tmp_path}/new/folder/history.db").close()

    assert (tmp_path / "new" / "folder" / "history.db").is_file()


def test_unreachable_server_gives_nothing_away():
    """
    A server that does not answer is said to be unavailable without its address and password.
    """
    with pytest.raises(HistoryUnavailable) as told:
        open_history("postgresql://user:hidden@127.0.0.1:1/database")

    shown = str(told.value) + repr(told.value.__cause__) + str(pickle.dumps(told.value))
    assert "nothing listens" in str(told.value)
    assert "hidden" not in shown
    assert "127.0.0.1" not in shown


def test_other_files_are_refused(tmp_path):
    """
    A file that is no SQLite database is refused with the reason.
    """
    (tmp_path / "history.db").write_text("not a database, but long enough to be looked at" * 99)

    with pytest.raises(HistoryUnavailable, match="no SQLite database"):
        open_history(f"sqlite:///{tmp_path}/history.db")


def test_sqlite_is_durable(tmp_path):
    """
    The file keeps a write-ahead log and syncs it with every commit.
    """
    url = f"sqlite:///{tmp_path}/history.db"
    open_history(url).close()

    with closing(open_database(url)) as database, database.read() as connection:
        settings = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in settings]

    assert found == ["wal", 2, 1, 30_000]


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (psycopg.errors.LockNotAvailable(), "another writer holds the project for too long"),
        (psycopg.errors.TooManyConnections(), "the server is out of connections, memory or disk"),
        (psycopg.errors.DiskFull(), "the server is out of connections, memory or disk"),
        (psycopg.errors.InsufficientPrivilege(), "the user lacks a right on the tables"),
        (psycopg.errors.ReadOnlySqlTransaction(), "the database is read-only"),
        (
            psycopg.OperationalError("connection timeout expired"),
            "no connection within the time limit",
        ),
        (
            sqlite3.OperationalError("database is locked"),
            "another process has been writing for too long",
        ),
        (sqlite3.OperationalError("database or disk is full"), "the disk is full"),
        (sqlite3.DatabaseError("database disk image is malformed"), "its file is damaged"),
    ],
)
def test_reasons_are_told(error, meaning):
    """
    What a driver says is told in words that help an operator.
    """
    assert meaning == reason(error)


def test_unknown_reasons_show_no_message():
    """
    An error that is not known is told by its class alone.
    """
    assert reason(ValueError("postgresql://user:hidden@host/db is odd")) == "ValueError"
