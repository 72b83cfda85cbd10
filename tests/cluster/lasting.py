"""A Ray head whose state is in Redis, a worker, and what is served on it, for tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
from ray import serve

from deployments.acquaintance import Acquaintance
from deployments.answers import Readiness
from deployments.app import FAILURES
from deployments.calls import Caller
from deployments.remote import Remote
from devmind.local.ports import any_free
from devmind.local.serve_mode import made_anew, on_one_machine

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a-password-of-redis"


class Behind:
    """A deployment that nobody asks before its head is gone."""

    async def readiness(self):
        return Readiness(ready=True)

    async def who(self):
        return os.getpid()


class Counting:
    """Answers who it is and how often it was asked: a replica that was replaced starts anew."""

    def __init__(self, behind):
        self._asked = 0
        self._behind = Remote(behind, Caller("behind", FAILURES))
        self._acquaintance = Acquaintance([self._behind])

    async def check_health(self):
        self._acquaintance.meet_soon()

    async def __call__(self, request):
        self._asked += 1
        behind = await self._behind.ask("who") if request.url.path == "/behind" else None
        met = self._acquaintance.complete
        return {"pid": os.getpid(), "asked": self._asked, "behind": behind, "met": met}


_deployed = partial(serve.deployment, ray_actor_options={"num_cpus": 0.1}, health_check_period_s=2)
app = _deployed(name="counting")(Counting).bind(_deployed(name="behind")(Behind).bind())


class Redis:
    """A Redis that keeps what it acknowledged in a file; asks for a password."""

    def __init__(self, folder):
        self.port = any_free(1)[0]
        self._folder = folder

    def start(self):
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "requirepass": PASSWORD,
            "appendonly": "yes",
            "dir": str(self._folder),
        }
        command = [shutil.which("redis-server")]
        command += [word for name, value in options.items() for word in (f"--{name}", str(value))]
        with (self._folder / "redis.log").open("ab") as log:
            self._running = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self):
        self._running.kill()
        self._running.wait(30)


class Node:
    """One `ray start`, with ports of its own and everything that it started."""

    def __init__(self, name, folder, options, environment):
        ports = ("dashboard-agent-listen-port", "dashboard-agent-grpc-port", "metrics-export-port")
        self.ports = dict(zip(ports, any_free(len(ports)), strict=True))
        any_port = {"min-worker-port": 0, "max-worker-port": 0}
        options = {**options, **self.ports, **any_port, "object-store-memory": 80 * 2**20}
        ray = str(Path(sys.executable).parent / "ray")
        self._command = [ray, "start", "--block", "--disable-usage-stats"]
        self._command += ["--head"] if name == "head" else []
        self._command += [f"--{option}={value}" for option, value in options.items()]
        own = ("RAY_SERVE_HAPROXY_METRICS_PORT", "RAY_SERVE_HAPROXY_STATS_PORT")
        haproxys = dict(zip(own, map(str, any_free(len(own))), strict=True))
        self._environment = {**os.environ, **environment, **haproxys}
        self._log = folder / f"{name}.log"
        self._starts = 0
        self._running = None

    def start(self):
        """Start it; like a new container, it finds no file that says where its cluster was."""
        (self._log.parent / "ray_current_cluster").unlink(missing_ok=True)
        self._starts += 1
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(
                self._command, env=self._environment, stdout=log, stderr=log, cwd=ROOT
            )

    def is_up(self):
        """Whether GCS, raylet and agents run; the dashboard answers before they all do."""
        return self._log.read_text().count("Ray runtime started.") == self._starts

    def kill(self):
        """End it at once with all that it started, as the loss of its container would."""
        if self._running is None or self._running.poll() is not None:
            return
        ours = psutil.Process(self._running.pid)
        for process in [*ours.children(recursive=True), ours]:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        self._running.wait(30)

    def child(self, name):
        """A process of it, by its name."""
        children = psutil.Process(self._running.pid).children(recursive=True)
        return next(child for child in children if name in child.name())


def environment(redis, http_port, folder):
    """What the processes of both nodes find in theirs; HAProxy's files go to *folder*."""
    files = made_anew(folder / "h")
    return {
        **on_one_machine(os.environ, root=ROOT, files=files, free=any_free),
        "RAY_AUTH_MODE": "disabled",  # listens on this machine alone, as long as the test runs
        "RAY_SERVE_WORKER_PROXY_HTTP_PORT": str(http_port),
        "RAY_SERVE_LOG_TO_STDERR": "0",
        "RAY_REDIS_ADDRESS": f"127.0.0.1:{redis.port}",
        "RAY_external_storage_namespace": "devmind-test",
        "RAY_gcs_rpc_server_reconnect_timeout_s": "120",
        "RAY_SERVE_KV_TIMEOUT_S": "5",
        "RAY_metrics_report_interval_ms": "1000",
        "PYTHONPATH": str(ROOT),
    }
