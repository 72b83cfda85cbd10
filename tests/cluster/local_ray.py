"""A Ray of this process alone."""

import tempfile
from contextlib import contextmanager

import pytest
import ray

ATTEMPTS = 3
LATE = "timed out during startup"


@contextmanager
def apart():
    """A folder for a Ray without tokens, since it listens on loopback; and its environment."""
    with (
        tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as env,
    ):
        env.setenv("RAY_AUTH_MODE", "disabled")
        yield folder, env


@contextmanager
def local_ray():
    """A local Ray of 2 CPUs that lives for a block."""
    with apart() as (folder, _):
        patiently(_start, folder)
        try:
            yield
        finally:
            ray.shutdown()


def patiently(start, folder):
    """Return what *start* makes in a folder below *folder*.

    Ray gives its processes 30 s to start, which other tests on the same two CPUs may take from
    them: one that is late is ended, and another one started.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return start(f"{folder}/{attempt}")
        except Exception as error:
            ray.shutdown()
            if attempt == ATTEMPTS or LATE not in str(error):
                raise
    raise AssertionError


def _start(folder):
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=200 * 2**20,
        log_to_driver=False,
        _temp_dir=folder,
    )
