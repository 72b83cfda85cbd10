"""Which ports a service uses here, and whether they are free."""

from __future__ import annotations

import random
import socket
from dataclasses import dataclass
from itertools import islice

from devmind.local.failures import PortTaken
from devmind.local.processes import listener

HOST = "127.0.0.1"
MLFLOW_TRIES = 2
OURS = range(20_000, 32_000)
"""Linux lends none of these to outgoing connections (it does from 32768 on); Ray uses none."""


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
    """Return *count* different ports that are free now, and likely to stay so until they are used.

    A port that the system chooses may be lent to any connection in between; these are not, and are
    chosen at random, as others may be choosing at the same time.

    Raises:
        OSError: If so many are not free.
    """
    tries = random.SystemRandom().sample(OURS, k=len(OURS))
    found = list(islice(filter(is_free, tries), count))
    if len(found) < count:
        raise OSError(f"{count} free ports wanted, {len(found)} found from {OURS[0]} to {OURS[-1]}")
    return found
