"""A real Ray with the real application on it, for tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
import ray
import yaml
from ray import serve
from ray.serve.context import _get_global_client
from ray.serve.schema import ServeDeploySchema

from devmind.local.ports import any_free
from devmind.local.serve_mode import import_path, made_anew, on_one_machine

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 120.0


@contextmanager
def served(home, *, replicas=None, scaling=None, environment=None, report_ms=1000):
    """Serve `serve_config.yaml` from stores in *home*, at a free port; yields the URL.

    Args:
        home: `DEVMIND_HOME` of every replica.
        replicas: Deployment -> how many replicas it has at least.
        scaling: Deployment -> what its `autoscaling_config` says otherwise.
        environment: What else the head's processes find in their environment.
        report_ms: How often Ray's processes report their metrics; usually every 10 s.
    """
    with (
        tempfile.TemporaryDirectory(prefix="rs", dir="/tmp", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as env,
    ):
        # No token: this Ray listens on loopback and lives as long as the tests.
        env.setenv("RAY_AUTH_MODE", "disabled")
        env.setenv("RAY_SERVE_LOG_TO_STDERR", "0")
        env.setenv("DEVMIND_HOME", str(home))
        files = made_anew(Path(folder) / "h")
        mode = on_one_machine(os.environ, root=ROOT, files=files, free=any_free)
        mode |= {"PYTHONPATH": import_path(os.environ, root=ROOT)}
        for name, value in (mode | (environment or {})).items():
            env.setenv(name, value)
        for name in ("DATABASE_URL", "MLFLOW_TRACKING_URI", "ENVIRONMENT", "RAY_ADDRESS"):
            env.delenv(name, raising=False)
        with head(folder, report_ms) as address:
            until(lambda: _connected(address), "connected")
            try:
                yield _deploy(any_free(1)[0], replicas or {}, scaling or {})
            finally:
                serve.shutdown()
                ray.shutdown()


@contextmanager
def head(folder, report_ms=1000):
    """A Ray head with ports of its own, as other Rays may run here; yields its address."""
    names = (
        "port",
        "ray-client-server-port",
        "dashboard-port",
        "dashboard-agent-listen-port",
        "dashboard-agent-grpc-port",
        "metrics-export-port",
    )
    ports = dict(zip(names, any_free(len(names)), strict=True))
    options = {
        **ports,
        "node-ip-address": "127.0.0.1",
        "dashboard-host": "127.0.0.1",
        "num-cpus": 2,
        "object-store-memory": 100 * 2**20,
        "temp-dir": folder,
        "system-config": json.dumps({"metrics_report_interval_ms": report_ms}),
    }
    ray_command = Path(sys.executable).parent / "ray"
    command = [str(ray_command), "start", "--head", "--block"]
    command += [f"--{name}={value}" for name, value in options.items()]
    with (Path(folder) / "head.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            yield f"127.0.0.1:{ports['port']}"
        finally:
            process.terminate()
            try:
                process.wait(60)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _connected(address):
    with suppress(ConnectionError, RuntimeError):
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    return ray.is_initialized()


def _deploy(port, replicas, scaling):
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    deploy(config(port, replicas, scaling))
    url = f"http://127.0.0.1:{port}"
    until(lambda: httpx.get(f"{url}/ready", timeout=10).status_code == 200, "ready")
    return url


def config(port, replicas, scaling):
    """Return what `serve_config.yaml` says, with a port, least replicas and scaling of its own."""
    said = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
    said["http_options"]["port"] = port
    for deployment in said["applications"][0]["deployments"]:
        name, usual = deployment["name"], deployment["autoscaling_config"]
        least = {"min_replicas": replicas.get(name, 1)}
        deployment["autoscaling_config"] = {**usual, **least, **scaling.get(name, {})}
    return said


def deploy(said):
    """Deploy a configuration; what it changes is rolled out."""
    _get_global_client().deploy_apps(ServeDeploySchema.model_validate(said))


def until(holds, what, within_s=DEADLINE_S):
    """Wait until *holds* does; errors of a service that is not up yet count as no."""
    deadline, error = time.monotonic() + within_s, None
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except httpx.HTTPError as happened:
            error = happened
        time.sleep(0.2)
    pytest.fail(f"still not {what} after {within_s:.0f} s; last error: {error}")


def lines():
    """Return what the replicas have logged so far: the JSON lines of every worker's stderr."""
    sockets = Path(ray.nodes()[0]["RayletSocketName"]).parent
    found = []
    for path in sockets.parent.glob("logs/worker-*.err"):
        for line in path.read_text(errors="replace").splitlines():
            with suppress(ValueError):
                found.append(json.loads(line))
    return [line for line in found if isinstance(line, dict)]


def pids(deployment):
    """Return the processes of a deployment's running replicas; of one being built, none."""
    details = _get_global_client().get_serve_details()
    known = details["applications"]["devmind"]["deployments"].get(deployment, {"replicas": []})
    return [replica["pid"] for replica in known["replicas"] if replica["state"] == "RUNNING"]


def kill(pid):
    """End a replica as a crash would."""
    os.kill(pid, signal.SIGKILL)
