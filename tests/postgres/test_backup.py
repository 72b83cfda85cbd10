"""A dump made under load, by the documented commands, holds what was acknowledged before it."""

import os
import re
import subprocess
import threading
from urllib.parse import quote

import psycopg
import pytest

from history.open import open_history
from tests.conftest import ROOT
from tests.deployments.company import happened, record
from tests.history.builders import build, report, story
from tests.postgres.production import ADMIN, PASSWORDS, connect, sh, start
from tests.postgres.server import PASSWORD

pytestmark = pytest.mark.postgres
PROJECT = "acme/shop"


@pytest.fixture(name="fresh", scope="module")
def _fresh():
    """Another server, with the users and databases of production, which are empty."""
    for server in start():
        done = sh(server, "postgres/databases.sh", **PASSWORDS)
        assert done.returncode == 0, done.stderr
        yield server


def documented():
    """The commands of "Backup and restore" in docs/operations.md."""
    section = (ROOT / "docs" / "operations.md").read_text().partition("## Backup and restore")[2]
    blocks = re.findall(r"(?s)```\n(.*?)```", section.partition("\n## ")[0])
    backup, restore = (block.strip() for block in blocks)
    return backup, restore


def run(command, server, folder, *, database, login=("devmind", PASSWORD)):
    """Run a documented command in *folder* with the variables that it asks for."""
    passwords = folder / "pgpass"
    passwords.write_text(f"*:*:*:*:{login[1]}\n")
    passwords.chmod(0o600)
    env = {
        "PATH": f"{server.tools}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.port),
        "PGUSER": login[0],
        "PGDATABASE": database,
        "PGPASSFILE": str(passwords),
    }
    command = command.replace("scripts/", f"{ROOT}/scripts/")
    return subprocess.run(
        ["sh", "-ec", command], env=env, cwd=folder, capture_output=True, text=True, check=False
    )


def test_a_dump_under_load_is_restored_into_another_server(postgres_server, fresh, tmp_path):
    """
    Builds are recorded while the dump is made; the restored history reads as the original did at
    one moment after the dump was asked for, and takes up recording where it was.
    """
    backup, restore = documented()
    with open_history(postgres_server.create_database("backed_up")) as original:
        record(original, 40)
        before = len(list(original.read(PROJECT)))
        over = threading.Event()
        writer = threading.Thread(target=_write, args=(original, over))
        writer.start()
        dumped = run(backup, postgres_server, tmp_path, database="backed_up")
        over.set()
        writer.join()
        recorded = list(original.read(PROJECT))
    assert dumped.returncode == 0, dumped.stderr

    restored = run(restore, fresh, tmp_path, database="postgres", login=("postgres", ADMIN))
    assert restored.returncode == 0, restored.stderr

    service = f"devmind:{quote(PASSWORDS['HISTORY_PASSWORD'])}@127.0.0.1:{fresh.port}"
    with open_history(f"postgresql://{service}/restored", migrate=False) as copy:
        events = list(copy.read(PROJECT))
        assert before <= len(events) < len(recorded)
        assert [*map(repr, events)] == [*map(repr, recorded[: len(events)])]
        assert f"restored {len(events)} rows of events" in restored.stdout
        assert "restored 1 rows of projects" in restored.stdout
        copy.append(PROJECT, happened(9_999))
        assert [e.sequence for e in copy.read(PROJECT)] == list(range(1, len(events) + 4))


def _write(store, over):
    n = 1000
    while not over.is_set() or n < 1005:
        store.append(PROJECT, happened(n))
        n += 1


def test_another_database_is_restored_by_the_same_commands(postgres_server, tmp_path):
    """
    MLflow's database has none of the history's tables, and is counted as well.
    """
    with psycopg.connect(postgres_server.create_database("registry")) as connection:
        connection.execute("CREATE TABLE runs AS SELECT generate_series(1, 7) AS number")
    postgres_server.create_database("registry_restored")
    backup, restore = documented()
    assert run(backup, postgres_server, tmp_path, database="registry").returncode == 0
    into = restore.splitlines()[-1].replace("PGDATABASE=restored ", "")

    done = run(into, postgres_server, tmp_path, database="registry_restored")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "restored 7 rows of runs\n"


def test_nobody_else_reads_a_restored_history(fresh):
    """
    MLflow's user, who is on the same server, cannot connect to it.
    """
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        connect(fresh, "mlflow", "restored", PASSWORDS["MLFLOW_PASSWORD"])


def test_a_dump_is_not_read_over_a_history(postgres_server, tmp_path):
    """
    A database that holds something is refused, and stays as it was.
    """
    url = postgres_server.create_database("small")
    with open_history(url) as store:
        store.append("shop", story(build(1), report("a")))
        backup, restore = documented()
        assert run(backup, postgres_server, tmp_path, database="small").returncode == 0
        into = restore.splitlines()[-1].replace("PGDATABASE=restored ", "")

        refused = run(into, postgres_server, tmp_path, database="small")

        assert refused.returncode == 1
        assert "the database small has" in refused.stderr
        assert len(list(store.read("shop"))) == 3


def test_a_dump_that_fails_leaves_the_old_one(postgres_server, tmp_path):
    """
    With a wrong password nothing is written over the dump that is there, and none is shown.
    """
    (tmp_path / "history.dump").write_text("yesterday's")
    backup, _ = documented()

    failed = run(
        backup, postgres_server, tmp_path, database="postgres", login=("devmind", "a-wrong-one")
    )

    assert failed.returncode != 0
    assert "a-wrong-one" not in failed.stderr
    assert (tmp_path / "history.dump").read_text() == "yesterday's"
