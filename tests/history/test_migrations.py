import multiprocessing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url, text

from devmind.errors import HistorySchemaMismatch, HistoryUnavailable
from devmind.events import Queued
from history import migrate
from history.open import open_history, open_jobs
from history.tables import metadata
from tests.history import processes
from tests.history.builders import build


@pytest.fixture(name="engine")
def _engine(database_url):
    url = make_url(database_url)
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    yield engine
    engine.dispose()


def test_migrations_end_at_the_tables(database_url, engine):
    """
    From an empty database the migrations make exactly the tables the code speaks of.
    """
    open_history(database_url).close()

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        differences = compare_metadata(context, metadata)

    assert differences == []


def test_replicas_know_the_newest_step_as_alembic_does(database_url, engine):
    """
    What is told from the steps' file names is the chain that Alembic follows.
    """
    open_history(database_url).close()
    folder = str(Path(migrate.__file__).with_name("migrations"))
    chain = ScriptDirectory(folder)

    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()

    assert found == chain.get_current_head() == migrate.known()[-1]
    assert [step.revision for step in chain.walk_revisions()] == list(reversed(migrate.known()))


def test_second_run_changes_nothing(database_url):
    """
    Opening a migrated history again keeps what is in it.
    """
    with open_history(database_url) as store:
        store.append("shop", [Queued(build=build())])

    with open_history(database_url) as store:
        assert store.last_sequence("shop") == 1
    with open_history(database_url, migrate=False) as store:
        assert store.last_sequence("shop") == 1


def test_unmigrated_database_is_refused(database_url):
    """
    Without migrations an empty database is refused with what to do.
    """
    with pytest.raises(HistorySchemaMismatch, match="empty"):
        open_history(database_url, migrate=False)


@pytest.mark.parametrize("migrate", [True, False])
def test_newer_database_is_refused(database_url, engine, migrate):
    """
    A database that a newer version has migrated is refused, and left as it is.
    """
    open_history(database_url).close()
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(HistorySchemaMismatch, match="9999"):
        open_history(database_url, migrate=migrate)
    with pytest.raises(HistorySchemaMismatch):
        open_jobs(database_url, migrate=migrate)


def test_processes_may_start_at_once(database_url):
    """
    Processes that open an empty database at the same moment all succeed.
    """
    context = multiprocessing.get_context("forkserver")
    ready, answers = context.Barrier(4), context.Queue()
    workers = [processes.start(processes.open_only, database_url, ready, answers) for _ in range(4)]

    assert [answers.get(timeout=60) for _ in workers] == [""] * 4
    for worker in workers:
        worker.join()
    with open_history(database_url) as store:
        assert store.last_sequence("shop") == 4


def test_dropped_tables_are_said(database_url, engine):
    """
    A history whose tables have gone answers that they are missing, not with SQL.
    """
    with open_history(database_url) as store:
        with engine.begin() as connection:
            for table in ("events", "builds", "tests", "snapshots", "projects"):
                connection.execute(text(f"DROP TABLE {table}"))

        with pytest.raises(HistoryUnavailable, match="run the migrations"):
            store.ping()
