"""The Ray cluster that a training job runs on."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

_ENOUGH_CPUS, _PATIENCE_S, _LOOK_S = 0.2, 60.0, 2.0


@contextmanager
def cluster() -> Iterator[str]:
    """Be connected to the cluster that `RAY_ADDRESS` names, or to a local one that ends with this.

    A local one listens on loopback for this job alone, so it needs no tokens; whoever wants them
    sets `RAY_AUTH_MODE=token`. A cluster that was there before keeps its own mode.

    Yields:
        The head node's id, new with every start of a head; empty for a local one, which nobody
        else knows.
    """
    import ray  # noqa: PLC0415 - takes seconds; refusing a job must not

    known = bool(os.environ.get("RAY_ADDRESS"))
    if known:
        ray.init(log_to_driver=False)
    else:
        os.environ.setdefault("RAY_AUTH_MODE", "disabled")
        cpus = max(2, os.cpu_count() or 1)
        ray.init(address="local", num_cpus=cpus, include_dashboard=False, log_to_driver=False)
    try:
        yield _head_node() if known else ""
    finally:
        ray.shutdown()


def _head_node() -> str:
    import ray  # noqa: PLC0415 - as above

    nodes = ray.nodes()  # type: ignore[no-untyped-call] # Ray leaves it untyped
    heads = (str(n["NodeID"]) for n in nodes if "node:__internal_head__" in n["Resources"])
    return next(heads, "")


def free_cpus() -> float:
    """Return how many CPUs the cluster has free, after waiting a little for some to become so."""
    import ray  # noqa: PLC0415 - as above

    deadline = time.monotonic() + _PATIENCE_S
    while True:
        free = float(ray.available_resources().get("CPU", 0.0))  # type: ignore[no-untyped-call] # Ray leaves it untyped
        if free >= _ENOUGH_CPUS or time.monotonic() > deadline:
            return free
        time.sleep(_LOOK_S)
