"""Deploying the application on the Ray head and waiting until it answers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import httpx

from devmind.client import Client
from devmind.errors import ServiceUnreachable
from devmind.local.children import Child
from devmind.local.commands import Commands, tool
from devmind.local.failures import StepFailed, failed
from devmind.local.layout import Layout
from devmind.local.ports import HOST
from devmind.local.ray_head import RayHead, api_url, dashboard_url

STEP = "serve"
READY_TIMEOUT_S = 300.0
PARTS = frozenset(("history", "build-optimizer", "failure-predictor", "test-intelligence"))
"""What has to be ready, as `/ready` calls it."""
_POLL_S = 0.5
_BROKEN = "DEPLOY_FAILED"


class Serving:
    """The application on a running Ray head.

    Args:
        layout: Where its configuration is.
        commands: Runs `serve deploy`.
        head: Tells how the deployment does.
    """

    def __init__(self, layout: Layout, commands: Commands, head: RayHead) -> None:
        self._layout = layout
        self._commands = commands
        self._head = head

    def ready(self, child: Child, without: Collection[str] = ()) -> bool:
        """Whether the application on *child* answers, models *without* a version set aside."""
        with Client(api_url(child), timeout_s=5.0) as client:
            return not _missing(client, without)

    def deploy(self, child: Child) -> None:
        """Deploy what `serve_config.yaml` says, at the address of *child*.

        Raises:
            StepFailed: If Ray refuses it.
        """
        text = (self._layout.root / "serve_config.yaml").read_text()
        host = self._commands.env.get("DEVMIND_HOST", HOST)
        config = self._layout.run / "serve_config.yaml"
        config.write_text(at_address(text, host=host, port=int(child.facts["api_port"])))
        command = [tool("serve"), "deploy", str(config), "--address", dashboard_url(child)]
        self._commands.run(STEP, command)

    def await_ready(
        self, child: Child, without: Collection[str], says: Callable[[str], None]
    ) -> None:
        """Wait until the application answers questions.

        Args:
            child: The Ray head that it runs on.
            without: Models, as in paths, that nothing was trained for: they stay unready.
            says: Hears what is still missing.

        Raises:
            StepFailed: If it cannot be deployed, or is not ready in time.
        """
        deadline = time.monotonic() + READY_TIMEOUT_S
        with Client(api_url(child), timeout_s=10.0) as client:
            while True:
                missing = _missing(client, without)
                if not missing:
                    return
                says(missing)
                self._check(child)
                if time.monotonic() > deadline:
                    log = self._layout.logs / "ray.log"
                    raise failed(STEP, f"not ready after {READY_TIMEOUT_S:.0f} s: {missing}", log)
                time.sleep(_POLL_S)

    def _check(self, child: Child) -> None:
        """Give up as soon as Ray says that the deployment has failed."""
        try:
            applications = self._applications(child)
        except (httpx.TransportError, ValueError):
            applications = {}
        for name, application in applications.items():
            if application.get("status") == _BROKEN:
                log = self._layout.logs / "deployment.log"
                log.write_text(str(application.get("message", "")))
                reason = f"application {name!r} cannot be deployed: {_last_word(log.read_text())}"
                raise StepFailed(STEP, reason, log, ())

    def _applications(self, child: Child) -> Mapping[str, Any]:
        answer = self._head.ask(child, "GET", "/api/serve/applications/")
        if answer.status_code != HTTPStatus.OK:
            return {}
        applications: Mapping[str, Any] = answer.json().get("applications", {})
        return applications


def at_address(config: str, *, host: str, port: int) -> str:
    r"""Return the text of a Serve configuration with another address in `http_options`.

    Example:
        >>> at_address("http_options:\n  host: 0.0.0.0\n  port: 8000\n", host="::1", port=9000)
        'http_options:\n  host: "::1"\n  port: 9000\n'
    """
    before, found, options = config.partition("http_options:")
    options = re.sub(r"(?m)^(\s+)host:.*$", rf'\1host: "{host}"', options, count=1)
    options = re.sub(r"(?m)^(\s+)port:.*$", rf"\1port: {port}", options, count=1)
    return before + found + options


def _missing(client: Client, without: Collection[str]) -> str:
    """Return what the service still waits for, or nothing when it is as ready as it can be."""
    try:
        readiness = client.readiness()
    except ServiceUnreachable:
        return "starting"
    if readiness.ready or as_ready_as_can_be(readiness.reasons, without):
        return ""
    return "; ".join(readiness.reasons)[:200] or "not ready"


def as_ready_as_can_be(reasons: Sequence[str], without: Collection[str]) -> bool:
    """Whether *reasons* for not being ready name none but the parts *without*.

    Example:
        >>> as_ready_as_can_be(["test-intelligence: no version"], {"test-intelligence"})
        True
        >>> as_ready_as_can_be(["history: away; test-intelligence: no"], {"test-intelligence"})
        False
    """
    said = "; ".join(reasons).split("; ")
    unready = {reason.partition(":")[0] for reason in said}.intersection(PARTS)
    return bool(unready) and unready <= set(without)


def _last_word(message: str) -> str:
    """Return what a traceback ends in: what happened, not how it got there."""
    said = [line for line in message.splitlines() if line[:1].strip()]
    return said[-1] if said else "no reason given"
