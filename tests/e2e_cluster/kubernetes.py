"""A real cluster, by way of kubectl."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

NAMESPACE = "devmind-pipeline"
SERVICE = "devmind-ml-service"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The cluster that `KUBECONFIG` names."""

    kubectl: Path

    def run(self, *words: str, stdin: str | None = None, check: bool = True) -> str:
        """Run kubectl and return what it prints.

        Raises:
            AssertionError: If it fails and *check* is set; the message is kubectl's.
        """
        command = [str(self.kubectl), *words]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}"
        return done.stdout

    def ours(self, *words: str, stdin: str | None = None, check: bool = True) -> str:
        """As `run`, in our namespace."""
        return self.run("--namespace", NAMESPACE, *words, stdin=stdin, check=check)

    def has(self, *words: str) -> bool:
        """Whether `kubectl get` finds something."""
        return bool(self.run("get", *words, "--ignore-not-found", "--output=name", check=False))

    def get(self, *words: str) -> Any:
        """Return an object of our namespace."""
        return json.loads(self.ours("get", *words, "--output=json"))

    def active_cluster(self) -> str:
        """Return the name of the RayCluster that serves."""
        status = self.get("rayservice", "devmind").get("status", {})
        return str(status.get("activeServiceStatus", {}).get("rayClusterName", ""))

    def head_pod(self) -> str:
        """Return the name of the head pod of the cluster that serves."""
        selector = f"ray.io/cluster={self.active_cluster()},ray.io/node-type=head"
        found = self.get("pods", "--selector", selector)["items"]
        return str(found[0]["metadata"]["name"])

    @contextmanager
    def service(self) -> Iterator[str]:
        """Forward a local port to the service and yield its URL."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        words = ["--namespace", NAMESPACE, "port-forward", f"service/{SERVICE}", f"{port}:8000"]
        command = [str(self.kubectl), *words]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as forward:
            try:
                url = f"http://127.0.0.1:{port}"
                eventually(lambda: answers(url), "the forwarded port answers", within_s=60)
                yield url
            finally:
                forward.terminate()


def answers(url: str) -> bool:
    """Whether the service at *url* says that it lives."""
    try:
        return httpx.get(f"{url}/health", timeout=10).is_success
    except httpx.HTTPError:
        return False


def eventually(holds: Callable[[], object], what: str, *, within_s: float) -> None:
    """Wait until something holds.

    Raises:
        AssertionError: If it does not in time.
    """
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        time.sleep(2)
