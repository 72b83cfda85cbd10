"""Serve's settings: from one place, apart from other Rays, and back to Serve's own at a word."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from devmind.local.ports import any_free
from devmind.local.serve_mode import FAST, WAY_BACK, folder_of, made_anew, on_one_machine, settings

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """global
    stats socket {files}/admin.sock mode 666 level admin expose-fd listeners
frontend prometheus
    bind :{metrics}
frontend http_frontend
    bind *:{api}
listen stats
  bind *:{stats}
"""


def mode(files, env=None):
    return on_one_machine(env or {}, root=ROOT, files=files, free=any_free)


def test_one_variable_is_the_way_back(tmp_path):
    """
    `DEVMIND_SERVE_DEFAULTS=1` leaves Serve as it comes, everywhere.
    """
    assert settings({}) == FAST
    assert settings({WAY_BACK: "1"}) == {}
    assert mode(tmp_path, {WAY_BACK: "1"}) == {}


def test_two_rays_on_a_machine_share_nothing(tmp_path):
    """
    Each has ports, sockets and files of its own.
    """
    one, other = mode(tmp_path / "a"), mode(tmp_path / "b")
    own = {name for name in one if name.endswith(("_PORT", "_LOC", "_PATH", "_FILE", "_BASE"))}
    own -= {"RAY_SERVE_HAPROXY_BINARY_PATH"}

    assert len(own) == 9
    assert all(one[name] != other[name] for name in own)


def test_haproxys_files_are_for_their_user_and_are_made_anew(tmp_path):
    """
    What an earlier run has left is gone, and nobody else may look into the folder.
    """
    folder = tmp_path / "h"
    (made_anew(folder) / "left").touch()

    assert list(made_anew(folder).iterdir()) == []
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("depth", [1, 200])
def test_the_folder_has_room_for_sockets(tmp_path, depth):
    """
    However deep the service's folder lies, a socket of HAProxy has a path that it may have: with
    Ray's id of a node and HAProxy's own ending.
    """
    path = folder_of(tmp_path / ("x" * depth)) / ("0" * 56) / "metrics.sock"

    assert len(f"{path}.1234567.tmp") <= 107


def test_metrics_and_statistics_listen_on_loopback(tmp_path):
    """
    HAProxy starts with the two ports that Serve opens to everybody on this machine alone, and with
    the service's own address as it was said.
    """
    metrics, stats, api = any_free(3)
    config = tmp_path / "haproxy.cfg"
    config.write_text(CONFIG.format(files=tmp_path, metrics=metrics, stats=stats, api=api))
    env = {
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(metrics),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(stats),
        "DEVMIND_HAPROXY": "/bin/echo",
    }
    command = [ROOT / "scripts" / "haproxy", "-db", "-f", config, "-sf", "7"]
    done = subprocess.run(command, env=os.environ | env, capture_output=True, text=True, check=True)
    binds = [line.split()[1] for line in config.read_text().splitlines() if "bind" in line]

    assert done.stdout.split() == ["-db", "-f", str(config), "-sf", "7"]
    assert binds == [f"127.0.0.1:{metrics}", f"*:{api}", f"127.0.0.1:{stats}"]
