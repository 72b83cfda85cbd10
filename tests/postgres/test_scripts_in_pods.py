"""The scripts that PostgreSQL's pods run, run against a real server."""

from __future__ import annotations

import os
import subprocess

import psycopg
import pytest

from tests.conftest import ROOT
from tests.postgres.server import PostgresServer, find_tools

pytestmark = pytest.mark.postgres
COMPONENTS = ROOT / "k8s/components"
ADMIN = "secret-of-a-test"


def connect(server, user, database, password):
    return psycopg.connect(
        host="127.0.0.1", port=server.port, user=user, dbname=database, password=password
    )


@pytest.fixture(name="server", scope="module")
def _server():
    """A server whose superuser is `postgres`, as in the image, with our databases."""
    tools = find_tools()
    if tools is None:
        pytest.skip("no PostgreSQL server is installed: install Debian's package `postgresql`")
    server = PostgresServer.start(tools, durable=False)
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE postgres SUPERUSER LOGIN PASSWORD '{ADMIN}'")
    with connect(server, "postgres", "postgres", ADMIN) as connection:
        connection.execute("ALTER ROLE devmind RENAME TO first")
    yield server
    server.stop()


def sh(server, script, **environment):
    env = {
        "PATH": f"{server.tools}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.port),
        "PGUSER": "postgres",
        "PGPASSWORD": ADMIN,
        **environment,
    }
    command = ["sh", str(COMPONENTS / script)]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(name="made", scope="module")
def _made(server):
    passwords = {"HISTORY_PASSWORD": 'it\'s "quoted" $1', "MLFLOW_PASSWORD": "another"}
    done = sh(server, "postgres/databases.sh", **passwords)
    assert done.returncode == 0, done.stderr
    return passwords


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
