"""PostgreSQL as production has it: a superuser `postgres`, and databases made by our script."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import ROOT
from tests.postgres.server import PostgresServer, find_tools

COMPONENTS = ROOT / "k8s/components"
ADMIN = "secret-of-a-test"
PASSWORDS = {"HISTORY_PASSWORD": 'it\'s "quoted" $1', "MLFLOW_PASSWORD": "another"}


def start() -> Iterator[PostgresServer]:
    """Yield a server whose superuser is `postgres`, as in the image; it has nothing of ours yet."""
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


def connect(
    server: PostgresServer, user: str, database: str, password: str
) -> psycopg.Connection[tuple[object, ...]]:
    """Connect as *user*."""
    return psycopg.connect(
        host="127.0.0.1", port=server.port, user=user, dbname=database, password=password
    )


def environment(server: PostgresServer, **more: str) -> dict[str, str]:
    """Return what a pod has that may do everything."""
    return {
        "PATH": f"{server.tools}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.port),
        "PGUSER": "postgres",
        "PGPASSWORD": ADMIN,
        **more,
    }


def sh(server: PostgresServer, script: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a component's script as its pod does."""
    command = ["sh", str(COMPONENTS / script)]
    return subprocess.run(
        command, env=environment(server, **more), capture_output=True, text=True, check=False
    )
