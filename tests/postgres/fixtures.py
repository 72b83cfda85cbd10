"""What tests ask for when they need a database; a pytest plugin, listed in `tests/conftest.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres.server import PostgresServer, find_tools


def _served(*, durable: bool) -> Iterator[PostgresServer]:
    tools = find_tools()
    if tools is None:
        pytest.skip(
            "no PostgreSQL server is installed: install Debian's package `postgresql`,"
            " or set DEVMIND_POSTGRES_BIN to the folder of initdb, pg_ctl and postgres"
        )
    server = PostgresServer.start(tools, durable=durable)
    yield server
    server.stop()


@pytest.fixture(name="postgres_server", scope="session")
def _postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole session; without one the test skips and says why."""
    yield from _served(durable=False)


@pytest.fixture(name="durable_postgres", scope="session")
def _durable_postgres() -> Iterator[PostgresServer]:
    """A second server, which syncs to the disk, for the tests that crash things."""
    yield from _served(durable=True)


@pytest.fixture(name="postgres_url")
def _postgres_url(postgres_server: PostgresServer) -> str:
    """The URL of an empty PostgreSQL database."""
    return postgres_server.empty_database()


@pytest.fixture(
    name="database_url", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def _database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'history.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(
    name="durable_url", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def _durable_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """As `database_url`, on a PostgreSQL server that syncs to the disk."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'history.db'}"
    server: PostgresServer = request.getfixturevalue("durable_postgres")
    return server.empty_database()
