"""The Ray head of a service on this machine, and its HTTP interface."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from devmind.local.children import Child, Children
from devmind.local.commands import tool
from devmind.local.failures import StepFailed, failed
from devmind.local.layout import Layout
from devmind.local.ports import HOST, Ports, any_free, need_free
from devmind.local.serve_mode import folder_of, import_path, made_anew, on_one_machine

STEP = "ray"
START_TIMEOUT_S = 120.0
_DASHBOARD = "dashboard_port"
_API = "api_port"
_POLL_S = 0.25
_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RaySize:
    """What Ray may use: logical CPUs, and bytes of shared memory for objects."""

    cpus: int
    object_store_bytes: int = 512 * 2**20


def environment(layout: Layout, base: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of everything that runs here.

    Requests to Ray need the token in `layout.token`. Addresses of other clusters are left out.
    """
    env = {name: value for name, value in base.items() if name not in _OTHERS}
    programs = os.pathsep.join((str(Path(sys.executable).parent), base.get("PATH", os.defpath)))
    defaults = {"RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0"}  # one node: nowhere to drain to
    if base.get("JAEGER_ENDPOINT"):
        defaults |= TRACING
    return (
        defaults
        | env
        | {
            "DEVMIND_HOME": str(layout.home),
            "PATH": programs,
            "PYTHONPATH": import_path(base, root=layout.root),
            "PYTHONUNBUFFERED": "1",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(layout.token),
            "RAY_USAGE_STATS_ENABLED": "0",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
        }
    )


TRACING = {
    "RAY_SERVE_TRACING_EXPORTER_IMPORT_PATH": "deployments.tracing:exporter",
    "RAY_SERVE_TRACING_SAMPLING_RATIO": "0.0",
}
"""What Serve's proxies need to continue traces; of `tracing_config` they know nothing."""
_OTHERS = ("RAY_ADDRESS", "RAY_AUTH_TOKEN", "RAY_DASHBOARD_ADDRESS", "RAY_API_SERVER_ADDRESS")


def ensure_token(layout: Layout) -> str:
    """Return the secret for Ray's dashboard, made at first use, readable by this user alone."""
    if not layout.token.exists():
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(layout.token, flags, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
    return layout.token.read_text()


class RayHead:
    """Starts Ray unless it runs, repairs it when half of it runs, and asks it.

    Args:
        layout: Where its files go.
        children: Starts and finds it.
        env: From `environment`.
    """

    def __init__(self, layout: Layout, children: Children, env: Mapping[str, str]) -> None:
        self._layout = layout
        self._children = children
        self._env = env

    def start(self, ports: Ports, size: RaySize) -> tuple[Child, bool]:
        """Return the head, and whether it had to be started; `await_ready` waits for it.

        Raises:
            PortTaken: If another program has the dashboard's or the service's port.
            StepFailed: If Ray is not installed.
        """
        running = self._children.find(STEP)
        if running is not None and self._answers_soon(running):
            return running, False
        self._children.stop(STEP)
        ensure_token(self._layout)
        need_free(ports.dashboard, "--dashboard-port")
        need_free(ports.api, "--port")
        return self._start(ports, size), True

    def find(self) -> Child | None:
        """Return the head if it runs."""
        return self._children.find(STEP)

    def answers(self, child: Child) -> bool:
        """Whether the dashboard of *child* answers a request with our token."""
        try:
            return self.ask(child, "GET", "/api/version").status_code == HTTPStatus.OK
        except (httpx.TransportError, OSError):
            return False

    def ask(self, child: Child, method: str, path: str, body: Any = None) -> httpx.Response:
        """Send a request to Ray's dashboard."""
        headers = {"Authorization": f"Bearer {self._layout.token.read_text()}"}
        url = dashboard_url(child) + path
        return httpx.request(method, url, headers=headers, json=body, timeout=30.0)

    def _answers_soon(self, child: Child) -> bool:
        """Whether *child* answers within a few tries: a busy machine is no reason to stop it."""
        for _ in range(_TRIES):
            if self.answers(child):
                return True
            time.sleep(1.0)
        return False

    def _start(self, ports: Ports, size: RaySize) -> Child:
        gcs, client, agent, agent_grpc, metrics = map(str, any_free(5))
        options = {
            "--port": gcs,
            "--ray-client-server-port": client,
            "--dashboard-agent-listen-port": agent,
            "--dashboard-agent-grpc-port": agent_grpc,
            "--metrics-export-port": metrics,
            "--min-worker-port": "0",
            "--max-worker-port": "0",
            "--node-ip-address": HOST,
            "--dashboard-host": HOST,
            "--dashboard-port": str(ports.dashboard),
            "--num-cpus": str(size.cpus),
            "--object-store-memory": str(size.object_store_bytes),
            "--temp-dir": str(self._layout.ray),
            "--log-color": "false",
        }
        command = [tool("ray"), "start", "--head", "--block"]
        command += [f"{name}={value}" for name, value in options.items()]
        facts = {_DASHBOARD: str(ports.dashboard), _API: str(ports.api)}
        files = made_anew(folder_of(self._layout.home))
        mode = on_one_machine(self._env, root=self._layout.root, files=files, free=any_free)
        try:
            return self._children.start(
                STEP, command, env={**mode, **self._env}, cwd=self._layout.root, facts=facts
            )
        except OSError as error:
            advice = "install the service's libraries with `make up`"
            raise failed(STEP, f"{command[0]}: {error.strerror}; {advice}") from error

    def await_ready(self, child: Child) -> None:
        """Wait until *child* answers.

        Raises:
            StepFailed: If it ends, or does not answer in time.
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.answers(child):
            if not child.alive:
                raise self._failure(child, "it ended while it was starting")
            if time.monotonic() > deadline:
                raise self._failure(child, f"no answer after {START_TIMEOUT_S:.0f} s")
            time.sleep(_POLL_S)

    def _failure(self, child: Child, reason: str) -> StepFailed:
        error = failed(STEP, reason, self._layout.logs / f"{STEP}.log")
        self._children.stop(child.name)
        return error


def dashboard_url(child: Child) -> str:
    """Return the address of the Ray dashboard of *child*."""
    return f"http://{HOST}:{child.facts[_DASHBOARD]}"


def api_url(child: Child) -> str:
    """Return the address at which *child* serves DevMind."""
    return f"http://{HOST}:{child.facts[_API]}"
