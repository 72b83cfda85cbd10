"""MLflow's own server, for people to look at runs and versions; the service does not need it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus

import httpx

from devmind.local.children import Child, Children
from devmind.local.commands import python
from devmind.local.failures import failed
from devmind.local.layout import Layout
from devmind.local.ports import HOST, choose_mlflow

STEP = "mlflow"
START_TIMEOUT_S = 90.0
_POLL_S = 0.25


def start(
    layout: Layout, children: Children, env: Mapping[str, str], port: int | None
) -> tuple[Child, bool]:
    """Return MLflow's server, and whether it had to be started; `ready` waits for it.

    Raises:
        PortTaken: If no port is free for it.
    """
    running = children.find(STEP)
    if running is not None:
        return running, False
    children.stop(STEP)
    chosen = choose_mlflow(port)
    command = python(
        "mlflow",
        "server",
        f"--backend-store-uri={layout.tracking_uri}",
        f"--artifacts-destination={layout.artifacts}",
        f"--host={HOST}",
        f"--port={chosen}",
        "--workers=1",
    )
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    facts = {"port": str(chosen)}
    child = children.start(STEP, command, env=dict(env) | quiet, cwd=layout.home, facts=facts)
    return child, True


def await_ready(layout: Layout, children: Children, child: Child) -> None:
    """Wait until the server answers.

    Raises:
        StepFailed: If it ends, or does not answer in time.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    while not answers(child):
        late = time.monotonic() > deadline
        if late or not child.alive:
            reason = f"no answer after {START_TIMEOUT_S:.0f} s" if late else "it ended"
            error = failed(STEP, reason, layout.logs / f"{STEP}.log")
            children.stop(STEP)
            raise error
        time.sleep(_POLL_S)


def answers(child: Child) -> bool:
    """Whether the server of *child* answers."""
    try:
        return httpx.get(f"{url(child)}/health", timeout=5.0).status_code == HTTPStatus.OK
    except httpx.TransportError:
        return False


def url(child: Child) -> str:
    """Return the address of the server of *child*."""
    return f"http://{HOST}:{child.facts['port']}"
