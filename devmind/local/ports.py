"""Which ports a service uses here, and whether they are free."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from devmind.local.failures import PortTaken
from devmind.local.processes import listener

HOST = "127.0.0.1"
MLFLOW_TRIES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The ports that people use; `mlflow` of `None` means 5000, or 5001 if that is taken."""

    api: int = 8000
    dashboard: int = 8265
    mlflow: int | None = None


def is_free(port: int) -> bool:
    """Whether nothing listens on *port* of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def need_free(port: int, option: str) -> int:
    """Return *port*.

    Raises:
        PortTaken: If another program has it; *option* chooses another port.
    """
    if not is_free(port):
        raise PortTaken(port, listener(port), option)
    return port


def choose_mlflow(wanted: int | None) -> int:
    """Return the port for MLflow.

    Raises:
        PortTaken: If the one that was asked for is taken, or 5000 and those after it are.
    """
    if wanted is not None:
        return need_free(wanted, "--mlflow-port")
    candidates = range(5000, 5000 + MLFLOW_TRIES)
    return next(filter(is_free, candidates), None) or need_free(5000, "--mlflow-port")


def any_free(count: int) -> list[int]:
    """Return *count* different ports that are free now."""
    probes = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
