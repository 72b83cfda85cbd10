"""The scripts that PostgreSQL's pods run, run against a real server."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager

import psycopg
import pytest

from tests.postgres.production import ADMIN, PASSWORDS, connect, sh, start

pytestmark = pytest.mark.postgres


@pytest.fixture(name="server", scope="module")
def _server():
    """PostgreSQL as in production."""
    yield from start()


@pytest.fixture(name="made", scope="module")
def _made(server):
    done = sh(server, "postgres/databases.sh", **PASSWORDS)
    assert done.returncode == 0, done.stderr
    return PASSWORDS


def test_each_database_has_its_own_user(server, made):
    """
    The history's user may write to its database and not come near MLflow's; any password will do.
    """
    with connect(server, "devmind", "devmind", made["HISTORY_PASSWORD"]) as connection:
        connection.execute("CREATE TABLE builds (number int)")
        connection.execute("INSERT INTO builds VALUES (42)")
    with connect(server, "mlflow", "mlflow", made["MLFLOW_PASSWORD"]) as connection:
        connection.execute("CREATE TABLE runs (number int)")

    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        connect(server, "devmind", "mlflow", made["HISTORY_PASSWORD"])


def test_a_backup_can_be_read_back_and_old_ones_go(server, made, tmp_path):
    """
    Both databases are dumped, the newest dumps stay, and a half-written one does not.
    """
    for day in ("20260101T000000Z", "20260102T000000Z", "20260103T000000Z"):
        (tmp_path / f"devmind-{day}.dump").write_text("old")
    (tmp_path / "devmind-20260104T000000Z.dump.part").write_text("half")

    done = sh(server, "backup/backup.sh", FOLDER=str(tmp_path), KEEP="2")

    assert done.returncode == 0, done.stderr
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept[0] == "devmind-20260103T000000Z.dump"
    assert [name.partition("-")[0] for name in kept] == ["devmind", "devmind", "mlflow"]
    listed = subprocess.run(
        [server.tools / "pg_restore", "--list", tmp_path / kept[1]],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "TABLE DATA public builds devmind" in listed.stdout


def test_a_backup_that_fails_removes_nothing(server, tmp_path):
    """
    Without a server there is no new dump, and the old ones stay, however many.
    """
    for day in range(1, 6):
        (tmp_path / f"devmind-2026010{day}T000000Z.dump").write_text("old")

    done = sh(server, "backup/backup.sh", FOLDER=str(tmp_path), KEEP="2", PGPORT="1")

    assert done.returncode != 0
    assert len(list(tmp_path.glob("*.dump"))) == 5


@contextmanager
def closed(server, database):
    """Let nobody into a database, and no dump succeed."""
    with connect(server, "postgres", "postgres", ADMIN) as connection:
        connection.autocommit = True
        connection.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
        yield
        connection.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")


def test_one_database_that_fails_takes_no_other_with_it(server, made, tmp_path):
    """
    The other databases are dumped, the exit code tells of the failure, and of the one that failed
    the newest dumps are still there.
    """
    for day in (1, 2, 3):
        (tmp_path / f"devmind-2026010{day}T000000Z.dump").write_text("old")
    with closed(server, "devmind"):
        done = sh(server, "backup/backup.sh", FOLDER=str(tmp_path), KEEP="3")
        again = sh(server, "backup/backup.sh", FOLDER=str(tmp_path), KEEP="3")

    assert (done.returncode, again.returncode) == (1, 1)
    assert "devmind was not dumped" in done.stderr
    names = {path.name for path in tmp_path.iterdir()}
    assert {"devmind-20260102T000000Z.dump", "devmind-20260103T000000Z.dump"} < names
    assert [name for name in names if name.startswith("mlflow-")]
    assert not [name for name in names if name.endswith(".part")]


def test_room_is_made_before_and_the_last_dump_stays_until_there_is_a_newer_one(
    server, made, tmp_path
):
    """
    When a dump is written there are fewer than KEEP, of which one is never taken away first.
    """
    for day in (1, 2):
        (tmp_path / f"devmind-2026010{day}T000000Z.dump").write_text("old")
    with closed(server, "devmind"):
        sh(server, "backup/backup.sh", FOLDER=str(tmp_path), KEEP="1")
    assert [path.name for path in tmp_path.glob("devmind-*")] == ["devmind-20260102T000000Z.dump"]

    assert sh(server, "backup/backup.sh", FOLDER=str(tmp_path), KEEP="1").returncode == 0
    (left,) = tmp_path.glob("devmind-*")
    assert left.read_bytes().startswith(b"PGDMP")


def test_a_database_of_a_name_that_begins_alike_keeps_its_own_dumps(server, made, tmp_path):
    """
    What one database has too many of says nothing about another's.
    """
    (tmp_path / "devmind-two-20260101T000000Z.dump").write_text("another's")

    assert sh(server, "backup/backup.sh", FOLDER=str(tmp_path), KEEP="1").returncode == 0
    assert (tmp_path / "devmind-two-20260101T000000Z.dump").exists()
