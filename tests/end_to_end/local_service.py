"""The whole service, started as a user starts it, in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from devmind.client import Client
from devmind.local.ports import any_free

ROOT = Path(__file__).resolve().parents[2]
UP_TIMEOUT_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalService:
    """A service on ports of its own with a folder of its own.

    Attributes:
        home: Its state.
        api: Port of the API.
        others: Ports of dashboard and MLflow.
    """

    home: Path
    api: int
    others: tuple[int, int]

    @classmethod
    def at(cls, home: Path) -> LocalService:
        """Choose free ports for a service in *home*."""
        api, *others = any_free(3)
        return cls(home=home, api=api, others=(others[0], others[1]))

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.api}"

    def client(self) -> Client:
        """Return a client of it."""
        return Client(self.url, None, 60.0)

    def run(self, *command: str, timeout_s: float = 300) -> str:
        """Run a command of ours against it and return what it prints.

        Raises:
            AssertionError: If it fails; with all it said.
        """
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=self._env(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def up(self, *options: str) -> dict[str, object]:
        """Start it (again) and return what `devmind up --json` says."""
        dashboard, mlflow = map(str, self.others)
        ports = ("--port", str(self.api), "--dashboard-port", dashboard, "--mlflow-port", mlflow)
        said = self.run("devmind.cli", "up", "--json", *ports, *options, timeout_s=UP_TIMEOUT_S)
        return dict(json.loads(said))

    def down(self) -> None:
        """Stop it."""
        self.run("devmind.cli", "down")

    def replicas(self, deployment: str) -> list[psutil.Process]:
        """Return the processes that serve a deployment of this service."""
        head = psutil.Process(json.loads((self.home / "run" / "ray.json").read_text())["pid"])
        return [
            process
            for process in head.children(recursive=True)
            if "ServeReplica:" in (title := " ".join(process.cmdline())) and deployment in title
        ]

    def _env(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        return ours | {"DEVMIND_HOME": str(self.home), "DEVMIND_URL": self.url}
