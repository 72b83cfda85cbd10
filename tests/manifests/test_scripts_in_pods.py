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
PASSWORD = r'a "secret" of a \test\ $1'
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

    assert (done.returncode, done.stdout) == (0, "")


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
        "Service", (Answers,), {"codes": {"/health": 200, "/ready": 200, "/api/v1/projects": 401}}
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
        ({"/api/v1/projects": 200}, '{"ready":true}', "answers without an API key"),
        ({"/api/v1/projects": 404}, '{"ready":true}', "answers 404, not 401"),
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
    Redis starts by our script and configuration, wants the password, whatever its characters, and
    has everything after a crash.
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


STAMP = "20260101T020000Z"


@pytest.fixture(name="volumes")
def _volumes(tmp_path):
    """MLflow's volume with artifacts of one version, and the one that packs go to."""
    mlflow, backups = tmp_path / "mlflow", tmp_path / "backups"
    version = mlflow / "artifacts/1/models/m-1"
    version.mkdir(parents=True)
    backups.mkdir()
    (version / "booster.ubj").write_bytes(b"as trained" * 1000)
    (mlflow / "lost+found").mkdir()
    return mlflow, backups


def pack(volumes, tmp_path, keep="3"):
    mlflow, backups = volumes
    script = "backup-artifacts/pack.sh"
    return sh(script, tmp_path, SOURCE=str(mlflow), FOLDER=str(backups), KEEP=keep)


def unpack(volumes, tmp_path, file):
    mlflow, backups = volumes
    script = "backup-artifacts/unpack.sh"
    return sh(script, tmp_path, TARGET=str(mlflow), FOLDER=str(backups), FILE=file)


def test_artifacts_that_are_lost_come_back(volumes, tmp_path):
    """
    What was packed is put back where it is missing; what came since stays, and what is there is
    not touched.
    """
    mlflow, backups = volumes
    done = pack(volumes, tmp_path)
    assert done.returncode == 0, done.stderr
    (packed,) = backups.iterdir()
    shutil.rmtree(mlflow / "artifacts")
    newer = mlflow / "artifacts/1/models/m-2/booster.ubj"
    newer.parent.mkdir(parents=True)
    newer.write_bytes(b"newer")

    back = unpack(volumes, tmp_path, packed.name)

    assert (back.returncode, back.stderr) == (0, "")
    assert (mlflow / "artifacts/1/models/m-1/booster.ubj").read_bytes() == b"as trained" * 1000
    assert newer.read_bytes() == b"newer"
    newer.write_bytes(b"newest")
    assert pack(volumes, tmp_path).returncode == 0
    assert unpack(volumes, tmp_path, packed.name).returncode == 0
    assert newer.read_bytes() == b"newest"


def test_old_packs_go_and_half_ones_too(volumes, tmp_path):
    """
    The newest packs stay, as many as were asked for, and nothing of a run that was killed.
    """
    _, backups = volumes
    for day in (1, 2, 3, 4):
        (backups / f"mlflow-artifacts-2026010{day}T020000Z.tar").write_text("old")
    (backups / f"mlflow-artifacts-{STAMP}.tar.part").write_text("half")

    assert pack(volumes, tmp_path, keep="3").returncode == 0

    kept = sorted(path.name for path in backups.iterdir())
    assert kept[:2] == [f"mlflow-artifacts-2026010{day}T020000Z.tar" for day in (3, 4)]
    assert len(kept) == 3


def test_a_full_volume_keeps_fewer_packs_and_never_none(volumes, tmp_path):
    """
    Where there is no room for one more, old packs make it; the last one stays until then.
    """
    _, backups = volumes
    for day in (1, 2, 3):
        (backups / f"mlflow-artifacts-2026010{day}T020000Z.tar").write_text("old")
    full = tmp_path / "full"
    full.mkdir()
    (full / "df").write_text("#!/bin/sh\necho header; echo disk 100 100 0 100%\n")
    (full / "df").chmod(0o755)
    (full / "tar").write_text("#!/bin/sh\necho no space left >&2; exit 2\n")
    (full / "tar").chmod(0o755)
    path = f"{full}:{os.environ['PATH']}"

    mlflow = volumes[0]
    script = "backup-artifacts/pack.sh"
    done = sh(script, tmp_path, SOURCE=str(mlflow), FOLDER=str(backups), KEEP="3", PATH=path)

    assert done.returncode != 0
    assert [each.name for each in backups.iterdir()] == ["mlflow-artifacts-20260103T020000Z.tar"]


def test_a_registry_without_artifacts_takes_no_pack_away(volumes, tmp_path):
    """
    A volume that is new, or was lost, is packed once there is something in it.
    """
    mlflow, backups = volumes
    (backups / f"mlflow-artifacts-{STAMP}.tar").write_text("old")
    shutil.rmtree(mlflow / "artifacts")

    assert pack(volumes, tmp_path, keep="1").returncode == 0
    assert [each.name for each in backups.iterdir()] == [f"mlflow-artifacts-{STAMP}.tar"]


def test_a_pack_that_is_none_changes_nothing(volumes, tmp_path):
    """
    A damaged pack is refused before a file is written, and without a name the packs are listed.
    """
    mlflow, backups = volumes
    (backups / f"mlflow-artifacts-{STAMP}.tar").write_text("no pack" * 1000)
    before = sorted(mlflow.rglob("*"))

    assert unpack(volumes, tmp_path, f"mlflow-artifacts-{STAMP}.tar").returncode != 0
    assert sorted(mlflow.rglob("*")) == before
    assert STAMP in unpack(volumes, tmp_path, "").stdout
