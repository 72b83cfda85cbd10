"""Restoring in production: by the Job's script, with the users and rights that production has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import alembic.command
import mlflow.store.db.utils as mlflow_database
import psycopg
import pytest
import sqlalchemy
import yaml
from alembic.script import ScriptDirectory
from psycopg import sql

from history.open import open_history
from tests.conftest import ROOT
from tests.history.builders import build, report, story
from tests.postgres.production import ADMIN, PASSWORDS, connect, environment, sh, start

pytestmark = pytest.mark.postgres
HISTORY = PASSWORDS["HISTORY_PASSWORD"]
BIN = Path(sys.executable).parent


@pytest.fixture(name="server", scope="module")
def _server():
    """PostgreSQL as in production, with our databases, still empty."""
    for server in start():
        done = sh(server, "postgres/databases.sh", **PASSWORDS)
        assert done.returncode == 0, done.stderr
        yield server


@pytest.fixture(name="url", scope="module")
def _url(server):
    return f"postgresql://devmind:{quote(HISTORY)}@127.0.0.1:{server.port}/devmind"


def dumped(server, folder, database):
    """Back up, and return the name of the dump."""
    done = sh(server, "backup/backup.sh", FOLDER=str(folder), KEEP="2")
    assert done.returncode == 0, done.stderr
    return max(path.name for path in folder.glob(f"{database}-*.dump"))


def restore(server, folder, database, file):
    return sh(server, "backup/restore.sh", FOLDER=str(folder), DATABASE=database, FILE=file)


def documented(database):
    """The statement of docs/kubernetes.md that opens a database again."""
    section = (ROOT / "docs/kubernetes.md").read_text().partition("## Backup and restore")[2]
    (statement,) = re.findall(r"--command='(ALTER DATABASE [^']+)'", section.partition("\n## ")[0])
    return statement.replace("devmind", database)


def opened(server, database):
    command = ["psql", "--dbname=postgres", f"--command={documented(database)}"]
    subprocess.run(command, env=environment(server), check=True, capture_output=True)


def names(server):
    with connect(server, "postgres", "postgres", ADMIN) as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}


def count(server, user, database, password, table):
    with connect(server, user, database, password) as connection:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        ((found,),) = connection.execute(query)
        return found


def owners(server, user, password):
    with connect(server, user, user, password) as connection:
        query = "SELECT tableowner FROM pg_tables WHERE schemaname = 'public'"
        return {row[0] for row in connection.execute(query)}


def test_a_history_is_put_back_in_its_place(server, url, tmp_path):
    """
    The service finds, under the same address and as the same user, what the dump had, and goes on
    recording; who was connected is cut off, nobody gets in before it is opened, and what was
    there before is kept.
    """
    with open_history(url) as store:
        store.append("shop", story(build(1), report("a", "b")))
        file = dumped(server, tmp_path, "devmind")
        store.append("shop", story(build(2), report("a")))
    before = count(server, "devmind", "devmind", HISTORY, "events")
    service = connect(server, "devmind", "devmind", HISTORY)

    done = restore(server, tmp_path, "devmind", file)

    assert done.returncode == 0, done.stderr
    assert "restored 3 rows of events" in done.stdout
    with pytest.raises(psycopg.OperationalError):
        service.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
        connect(server, "devmind", "devmind", HISTORY)
    opened(server, "devmind")
    with open_history(url) as store:
        assert [event.sequence for event in store.read("shop")] == [1, 2, 3]
        store.append("shop", story(build(3), report("a")))
        assert len(list(store.read("shop"))) == 6
    (old,) = (name for name in names(server) if name.startswith("devmind_before_"))
    assert count(server, "devmind", old, HISTORY, "events") == before == 6


def test_the_restored_database_is_its_users_own(server, url, tmp_path):
    """
    Everything in it belongs to the service's user, and MLflow's cannot come near it; the next
    backup has the restored one, and not what was put aside.
    """
    with open_history(url) as store:
        store.append("shop", story(build(11), report("a")))
    assert restore(server, tmp_path, "devmind", dumped(server, tmp_path, "devmind")).returncode == 0
    opened(server, "devmind")

    assert owners(server, "devmind", HISTORY) == {"devmind"}
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        connect(server, "mlflow", "devmind", PASSWORDS["MLFLOW_PASSWORD"])
    for path in tmp_path.iterdir():
        path.unlink()
    dumped(server, tmp_path, "devmind")
    assert {path.name.partition("-")[0] for path in tmp_path.iterdir()} == {"devmind", "mlflow"}


def test_a_dump_that_cannot_be_read_changes_nothing(server, url, tmp_path):
    """
    A damaged dump, or none, leaves the database open, with what it had, and nothing beside it.
    """
    with open_history(url) as store:
        store.append("shop", story(build(21), report("a")))
        before = len(list(store.read("shop")))
    file = dumped(server, tmp_path, "devmind")
    whole, there = (tmp_path / file).read_bytes(), names(server)
    (tmp_path / "devmind-cut.dump").write_bytes(whole[: len(whole) * 3 // 4])
    (tmp_path / "devmind-other.dump").write_text("no dump")

    for broken in ("devmind-cut.dump", "devmind-other.dump", "devmind-absent.dump"):
        assert restore(server, tmp_path, "devmind", broken).returncode != 0

    assert names(server) == there
    with open_history(url) as store:
        assert len(list(store.read("shop"))) == before


def test_an_unknown_database_is_refused(server, tmp_path):
    """
    A name that is mistyped makes nothing.
    """
    file, there = dumped(server, tmp_path, "devmind"), names(server)

    done = restore(server, tmp_path, "devmint", file)

    assert (done.returncode, done.stderr) == (1, "there is no database devmint\n")
    assert names(server) == there


def test_without_a_file_the_dumps_are_listed(server, tmp_path):
    """
    Whoever wants to restore sees first what there is.
    """
    file = dumped(server, tmp_path, "devmind")

    done = sh(server, "backup/restore.sh", FOLDER=str(tmp_path), DATABASE="devmind", FILE="")

    assert done.returncode == 0
    assert file in done.stdout


def upgrade(server, database):
    """Run what MLflow's pod runs before it starts."""
    objects = yaml.safe_load_all((ROOT / "k8s/components/mlflow/mlflow.yaml").read_text())
    (deployment,) = (each for each in objects if each["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["initContainers"]
    env = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "MLFLOW_BACKEND_STORE_URI": registry(server, database),
    }
    done = subprocess.run(
        container["command"], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def registry(server, database):
    user = f"mlflow:{PASSWORDS['MLFLOW_PASSWORD']}"
    return f"postgresql+psycopg://{user}@127.0.0.1:{server.port}/{database}"


def made_before(server, database):
    """Make MLflow's tables as they were one step of its schema ago."""
    engine = sqlalchemy.create_engine(registry(server, database))
    config = mlflow_database._get_alembic_config(registry(server, database))
    older = ScriptDirectory.from_config(config).get_revision("head").down_revision
    mlflow_database.InitialBase.metadata.create_all(engine)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, older)
    engine.dispose()
    return older


def revision(server, database):
    with connect(server, "mlflow", database, PASSWORDS["MLFLOW_PASSWORD"]) as connection:
        ((found,),) = connection.execute("SELECT version_num FROM alembic_version")
        return found


def test_mlflows_schema_is_made_brought_forward_and_restored(server, tmp_path):
    """
    Before MLflow starts, an empty database gets its tables and one of an older MLflow the newest
    schema; a dump of it is put back as well, and belongs to MLflow's user.
    """
    with connect(server, "postgres", "postgres", ADMIN) as connection:
        connection.autocommit = True
        connection.execute("CREATE DATABASE young OWNER mlflow")
    upgrade(server, "young")
    newest = revision(server, "young")
    assert made_before(server, "mlflow") != newest

    upgrade(server, "mlflow")
    assert revision(server, "mlflow") == newest
    done = restore(server, tmp_path, "mlflow", dumped(server, tmp_path, "mlflow"))

    assert done.returncode == 0, done.stderr
    assert "rows of registered_models" in done.stdout
    opened(server, "mlflow")
    assert revision(server, "mlflow") == newest
    assert owners(server, "mlflow", PASSWORDS["MLFLOW_PASSWORD"]) == {"mlflow"}
