"""A PostgreSQL server of our own, in a temporary directory, for as long as the tests run."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from devmind.local.ports import any_free

PASSWORD = "a-password-that-must-not-leak"
_USER = "devmind"
_EMPTIED = "emptied"
_TOOLS = ("initdb", "pg_ctl", "postgres")


def find_tools() -> Path | None:
    """Return the folder of PostgreSQL's server tools, or `None` when none is complete.

    Looked for in `DEVMIND_POSTGRES_BIN`, in Debian's folders (newest first) and on the `PATH`.
    """
    named = os.environ.get("DEVMIND_POSTGRES_BIN")
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(debian, key=lambda folder: float(folder.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    folders = [Path(named)] if named else newest_first
    folders += [Path(on_path).resolve().parent] if on_path and not named else []
    complete = (f for f in folders if all(os.access(f / tool, os.X_OK) for tool in _TOOLS))
    return next(complete, None)


def unprivileged_user() -> str | None:
    """Return the user to run the server as when we are root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A running server; it listens on the loopback interface only and asks for a password."""

    tools: Path
    folder: Path
    port: int
    user: str | None
    durable: bool

    @classmethod
    def start(cls, tools: Path, *, durable: bool = True) -> PostgresServer:
        """Make a cluster in a temporary folder and start a server on a free port.

        Args:
            tools: From `find_tools`.
            durable: Whether it syncs to the disk; most tests need not wait for that.
        """
        user = unprivileged_user()
        folder = Path(tempfile.mkdtemp(prefix="devmind-postgres-"))
        password = folder / "password"
        password.write_text(PASSWORD)
        if user is not None:
            for path in (folder, password):
                shutil.chown(path, user)
        server = cls(tools=tools, folder=folder, port=any_free(1)[0], user=user, durable=durable)
        try:
            server._run("initdb", f"--username={_USER}", f"--pwfile={password}", *_INITDB)
            server.resume()
        except BaseException:
            server.stop()
            raise
        return server

    def url(self, database: str) -> str:
        """Return the address of *database*, with the password."""
        return f"postgresql://{_USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Create an empty database and return its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            create = sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0")
            connection.execute(create.format(sql.Identifier(name)))
        return self.url(name)

    def empty_database(self) -> str:
        """Return the URL of the one database that is emptied for every test."""
        if not self._has(_EMPTIED):
            self.create_database(_EMPTIED)
        with psycopg.connect(self.url(_EMPTIED), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return self.url(_EMPTIED)

    def resume(self) -> None:
        """Start the server on the cluster that is there."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        if not self.durable:
            options += " -c fsync=off -c full_page_writes=off"
        self._run("pg_ctl", "--wait", f"--log={self.folder / 'log'}", f"-o {options}", "start")

    def crash(self) -> None:
        """Stop the server as a power cut would: no checkpoint, no goodbye."""
        self._run("pg_ctl", "--wait", "--mode=immediate", "stop")

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        if (self.folder / "cluster" / "postmaster.pid").exists():
            self.crash()  # nothing of it is kept
        shutil.rmtree(self.folder, ignore_errors=True)

    def _has(self, name: str) -> bool:
        with psycopg.connect(self.url("postgres")) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            return connection.execute(query, [name]).fetchone() is not None

    def _run(self, tool: str, *arguments: str) -> None:
        prefix = ["runuser", "-u", self.user, "--"] if self.user else []
        command = [*prefix, str(self.tools / tool), f"--pgdata={self.folder / 'cluster'}"]
        output = self.folder / f"{tool}.out"
        with output.open("w") as sink:  # a pipe would stay open as long as the server runs
            done = subprocess.run(
                [*command, *arguments],
                stdout=sink,
                stderr=sink,
                stdin=subprocess.DEVNULL,
                cwd="/",
                timeout=60,
                check=False,
            )
        if done.returncode != 0:
            raise RuntimeError(f"{tool} failed:\n{output.read_text()}")


_INITDB = ("--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--no-sync")
