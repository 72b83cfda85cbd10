"""A Ray cluster of several nodes on this machine, and what kills parts of it."""

import os
import signal
import threading
import time
from contextlib import contextmanager

import psutil
import ray
from ray.cluster_utils import Cluster
from xgboost.callback import TrainingCallback

from tests.cluster.local_ray import apart, patiently

HEAD = {"num_cpus": 1, "object_store_memory": 150 * 2**20, "include_dashboard": False}
NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20}


@contextmanager
def cluster_of_nodes():
    """A head that lives for these tests, and soon sees that a node is gone."""
    with apart() as (folder, env):
        env.setenv("RAY_health_check_period_ms", "500")
        env.setenv("RAY_health_check_timeout_ms", "1000")
        cluster = patiently(_head, folder)
        try:
            ray.init(address=cluster.address, log_to_driver=False)
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()


def _head(folder):
    head = {**HEAD, "temp_dir": folder}
    return Cluster(initialize_head=True, head_node_args=head, shutdown_at_exit=False)


def wait_for(found, timeout_s=240.0):
    """Return what *found* returns once that is true."""
    deadline = time.monotonic() + timeout_s
    while not (value := found()):
        if time.monotonic() > deadline:
            raise TimeoutError(found)
        time.sleep(0.05)
    return value


def pids_on(node, title):
    """The workers of *node* whose title contains *title*."""
    raylet = node.all_processes["raylet"][0].process.pid
    try:
        children = psutil.Process(raylet).children(recursive=True)
    except psutil.Error:
        return []
    return [child.pid for child in children if title in _title(child)]


def _title(process):
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def kill(pid):
    os.kill(pid, signal.SIGKILL)


@contextmanager
def once(happened, then):
    """Do *then* as soon as *happened* says so, beside what runs in this block; wait for it."""
    failed = []

    def watch():
        try:
            wait_for(happened)
            then()
        except BaseException as error:  # noqa: BLE001 - told to the test, below
            failed.append(error)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield
    thread.join()
    assert not failed, failed


class SlowRounds(TrainingCallback):
    """Rounds that take a while, and leave a mark once a round is reached."""

    def __init__(self, mark, *, at, seconds=0.05):
        self.mark, self.at, self.seconds = mark, at, seconds

    def after_iteration(self, _model, epoch, _evals_log):
        time.sleep(self.seconds)
        if epoch == self.at:
            self.mark.touch()
        return False


class DiesAt(TrainingCallback):
    """One worker kills itself in a round, as the kernel would when memory runs out."""

    def __init__(self, mark, *, at):
        self.mark, self.at = mark, at

    def after_iteration(self, _model, epoch, _evals_log):
        if epoch == self.at:
            try:
                self.mark.touch(exist_ok=False)
            except FileExistsError:
                return False
            kill(os.getpid())
        return False
