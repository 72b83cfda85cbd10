"""A server under measurement: started, asked whether it is well, stopped with all it started."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx

from benchmarks.serving.bodies import Requests
from benchmarks.serving.plan import Endpoint
from devmind.local.children import Child, Children
from devmind.local.failures import last_lines

START_S = 240.0
_POLL_S = 0.05


class ServerFailed(Exception):
    """A server did not start, or answers otherwise than it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that answers.

    Attributes:
        name: As in tables.
        url: Its address.
        requests: What it is sent, by endpoint.
        children: All its processes are below these.
        start_s: From its start to its first healthy answer.
    """

    name: str
    url: str
    requests: Mapping[Endpoint, Requests]
    children: Children
    start_s: float

    def pids(self) -> list[int]:
        """Return all its processes."""
        return self.children.pids()

    def look(self, endpoint: Endpoint) -> httpx.Response:
        """Ask one question and return the answer.

        Raises:
            ServerFailed: If it is an error.
        """
        sent = self.requests[endpoint]
        answer = httpx.post(
            self.url + sent.path.replace("{n}", f"look-{time.time_ns()}"),
            content=sent.body.encode(),
            headers={"content-type": sent.load.content_type},
            timeout=120.0,
        )
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            raise ServerFailed(f"{endpoint}: {answer.status_code} {answer.text[:200]}")
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthy:
    """How a server says that it is well."""

    url: str
    path: str
    began: float = field(default_factory=time.monotonic)

    def wait(self, child: Child, *, seconds: float = START_S) -> float:
        """Wait for the first healthy answer; return the seconds since `began`.

        Raises:
            ServerFailed: If *child* ends before, or it takes longer than *seconds*.
        """
        while True:
            if answers(self.url + self.path):
                return time.monotonic() - self.began
            late = time.monotonic() - self.began > seconds
            if late or not child.alive:
                why = f"no healthy answer after {seconds:.0f} s" if late else "it ended"
                said = "; ".join(last_lines(Path(child.log), 3))
                raise ServerFailed(f"{child.name}: {why}: {said}")
            time.sleep(_POLL_S)


def answers(url: str) -> bool:
    """Whether *url* answers a GET with success."""
    try:
        return httpx.get(url, timeout=10.0).is_success
    except httpx.HTTPError:
        return False


def children_in(folder: Path) -> Children:
    """Return children whose records and logs are in *folder*, which is made."""
    run, logs = folder / "run", folder / "logs"
    for each in (run, logs):
        each.mkdir(parents=True, exist_ok=True)
    return Children(run=run, logs=logs)
