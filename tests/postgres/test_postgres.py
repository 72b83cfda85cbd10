from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest

from devmind.errors import HistoryUnavailable, InvalidInput
from devmind.events import Queued
from history.database import open_database
from history.open import open_history
from tests.history.builders import build, report, story
from tests.postgres.server import PASSWORD

pytestmark = pytest.mark.postgres


def test_server_crash_loses_nothing(durable_postgres):
    """
    What was acknowledged survives the server's sudden end, and the same store goes on after it.
    """
    with open_history(durable_postgres.create_database("crashing")) as store:
        store.append("shop", story(build(1), report("a", "b")))
        durable_postgres.crash()
        try:
            with pytest.raises(HistoryUnavailable):
                store.append("shop", [Queued(build=build(2))])
        finally:
            durable_postgres.resume()

        (receipt,) = store.append("shop", [Queued(build=build(2))])

        assert receipt.sequence == 4
        assert [event.sequence for event in store.read("shop")] == [1, 2, 3, 4]


def test_wrong_password_is_not_shown(postgres_url):
    """
    A refused password is said, and neither it nor the right one is shown.
    """
    with pytest.raises(HistoryUnavailable) as told:
        open_history(postgres_url.replace(PASSWORD, "a-wrong-one"))

    assert "refuses the user or its password" in str(told.value)
    assert "a-wrong-one" not in str(told.value)


def test_missing_database_is_said(postgres_server):
    """
    A database that does not exist is named as the reason.
    """
    with pytest.raises(HistoryUnavailable, match="no such database"):
        open_history(postgres_server.url("nowhere"))


def test_commits_are_durable_whatever_the_default(postgres_server):
    """
    A server whose default is not to wait for the disk is made to wait.
    """
    url = postgres_server.create_database("hasty")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER DATABASE hasty SET synchronous_commit = off")

    with closing(open_database(url)) as database, database.write() as connection:
        found = connection.exec_driver_sql("SHOW synchronous_commit").scalar()

    assert found == "on"


def test_other_encodings_are_refused(postgres_server):
    """
    A database that cannot hold every test name is refused before anything is in it.
    """
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")

    with pytest.raises(InvalidInput, match="LATIN1"):
        open_history(postgres_server.url("latin"))


def test_dead_writer_is_in_nobodys_way(postgres_url):
    """
    When a writer's connection ends in the middle of a transaction, the next writer goes on.
    """
    other = psycopg.connect(postgres_url)
    with (
        open_history(postgres_url) as store,
        psycopg.connect(postgres_url, autocommit=True) as admin,
        ThreadPoolExecutor() as threads,
    ):
        store.append("shop", [Queued(build=build(1))])
        other.execute("SELECT * FROM projects FOR UPDATE")
        waiting = threads.submit(store.append, "shop", [Queued(build=build(2))])
        admin.execute("SELECT pg_terminate_backend(%s)", [other.info.backend_pid])

        assert waiting.result(timeout=60)[0].sequence == 2


def test_short_postgres_scheme_is_understood(postgres_url):
    """
    `postgres://`, as some platforms write it, is the same database.
    """
    open_history(postgres_url.replace("postgresql://", "postgres://")).close()
