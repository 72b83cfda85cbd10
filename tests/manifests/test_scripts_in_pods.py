"""The shell scripts that pods run, run for real."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from tests.conftest import ROOT

BIN = Path(sys.executable).parent
COMPONENTS = ROOT / "k8s/components"
PASSWORD = "secret-of-a-test"
SCRIPTS = sorted(COMPONENTS.rglob("*.sh"))


def sh(script, tmp_path, **environment):
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment}
    command = ["sh", str(COMPONENTS / script)]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_the_scripts_are_plain_sh(script):
    """
    Shellcheck finds nothing in what the images run by sh.
    """
    command = [str(BIN / "shellcheck"), "--shell=sh", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.stdout == ""


class Answers(BaseHTTPRequestHandler):
    """Answers as the service does, without its work."""

    codes: ClassVar[Mapping[str, int]] = {}
    ready = '{"ready":true}'

    def do_GET(self):
        code = self.codes.get(self.path, 404)
        body = self.ready.encode() if self.path == "/ready" else b"{}"
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(name="service")
def _service():
    answers = type(
        "Service", (Answers,), {"codes": {"/health": 200, "/ready": 200, "/projects": 401}}
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    answers.url = f"http://127.0.0.1:{server.server_port}"
    yield answers
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("codes", "ready", "said"),
    [
        ({}, '{"ready":true}', "true"),
        ({"/ready": 503}, '{"reasons":["test-intelligence: no champion"]}', "no champion"),
    ],
)
def test_the_smoke_test_passes_a_young_service(service, tmp_path, codes, ready, said):
    """
    A service that answers passes, with its models or while they are still to be trained.
    """
    service.codes, service.ready = service.codes | codes, ready

    done = sh("smoke/smoke.sh", tmp_path, SERVICE=service.url, PAUSE="0")

    assert (done.returncode, done.stderr) == (0, "")
    assert said in done.stdout


@pytest.mark.parametrize(
    ("codes", "ready", "said"),
    [
        ({"/ready": 503}, '{"reasons":["history: cannot be reached"]}', "history does not"),
        ({"/health": 500}, "", "/health does not answer"),
        ({"/projects": 200}, '{"ready":true}', "without an API key"),
    ],
)
def test_the_smoke_test_stops_a_broken_service(service, tmp_path, codes, ready, said):
    """
    A service without its history, its health or its keys does not pass.
    """
    service.codes, service.ready = service.codes | codes, ready

    done = sh("smoke/smoke.sh", tmp_path, SERVICE=service.url, PAUSE="0")

    assert done.returncode == 1
    assert said in done.stderr


def test_redis_keeps_what_it_was_told(tmp_path):
    """
    Redis starts by our script and configuration, wants the password, and has everything after a
    crash.
    """
    if shutil.which("redis-server") is None:
        pytest.skip("no Redis is installed: install Debian's package `redis-server`")
    script, port = _redis(tmp_path)
    first = _start(script, tmp_path, port)
    try:
        assert _redis_cli(port, "set", "key", "value", password="") != "OK"
        assert _redis_cli(port, "set", "key", "value") == "OK"
        assert _redis_cli(port, "config", "get", "maxmemory-policy").endswith("noeviction")
        time.sleep(1.2)  # appendfsync everysec
    finally:
        first.kill()
        first.wait()
    second = _start(script, tmp_path, port)
    try:
        assert _redis_cli(port, "get", "key") == "value"
    finally:
        second.kill()
        second.wait()


def _redis(tmp_path):
    """Write the script and its configuration with paths of a test's own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    paths = {"/tmp/": "HERE/", "/etc/redis": "HERE", "/data": "HERE", "HERE": str(tmp_path)}
    for name in ("redis.conf", "start.sh"):
        text = (COMPONENTS / "redis" / name).read_text(encoding="utf-8")
        for old, new in paths.items():
            text = text.replace(old, new)
        (tmp_path / name).write_text(text, encoding="utf-8")
    with (tmp_path / "redis.conf").open("a", encoding="utf-8") as config:
        config.write(f"port {port}\nbind 127.0.0.1\n")
    return tmp_path / "start.sh", port


def _start(script, tmp_path, port):
    env = {"PATH": os.environ["PATH"], "REDISCLI_AUTH": PASSWORD}
    log = (tmp_path / "log").open("ab")
    process = subprocess.Popen(["sh", str(script)], env=env, stdout=log, stderr=log)
    for _ in range(100):
        if _redis_cli(port, "ping") == "PONG":
            return process
        time.sleep(0.1)
    process.kill()
    pytest.fail((tmp_path / "log").read_text())


def _redis_cli(port, *words, password=PASSWORD):
    env = {"PATH": os.environ["PATH"]} | ({"REDISCLI_AUTH": password} if password else {})
    command = ["redis-cli", "-p", port, *words]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, check=False
    ).stdout.strip()
