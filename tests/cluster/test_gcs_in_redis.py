"""Ray's head dies, and Redis with it; requests are answered all the while, and all comes back."""

import shutil
import tempfile
import time
from pathlib import Path

import httpx
import pytest

from devmind.local.ports import any_free
from tests.cluster.lasting import PASSWORD, Node, Redis, environment
from tests.cluster.serving import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture(name="redis")
def _redis(tmp_path):
    if shutil.which("redis-server") is None:
        pytest.skip("Redis is not installed: install Debian's package `redis-server`")
    redis = Redis(tmp_path)
    redis.start()
    yield redis
    redis.kill()


@pytest.fixture(name="cluster")
def _cluster(redis):
    """A head without CPUs, so that everything is served by the worker, as in production."""
    gcs, client, dashboard, on_head, on_worker = any_free(5)
    with tempfile.TemporaryDirectory(prefix="rl", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        shared = environment(redis, on_worker, folder)
        options = {
            "port": gcs,
            "ray-client-server-port": client,
            "dashboard-host": "127.0.0.1",
            "dashboard-port": dashboard,
            "redis-password": PASSWORD,
            "num-cpus": 0,
            "temp-dir": name,
        }
        head = Node("head", folder, {**options, "node-ip-address": "127.0.0.1"}, shared)
        joining = {"address": f"127.0.0.1:{gcs}", "num-cpus": 1}
        del shared["RAY_REDIS_ADDRESS"]
        worker = Node("worker", folder, joining, shared)
        head.start()
        try:
            yield head, worker, f"http://127.0.0.1:{dashboard}", (on_head, on_worker)
        finally:
            worker.kill()
            head.kill()


def test_requests_are_answered_while_the_head_is_away(redis, cluster):
    """
    With GCS, head and Redis killed the worker answers every request, also the first one for a
    deployment that nobody has asked before; a new head with the same Redis knows the cluster
    again, and the replica is the one that was there before.
    """
    head, worker, dashboard, (on_head, on_worker) = cluster
    until(head.is_up, "up")
    worker.start()
    until(worker.is_up, "joined")
    config = {
        "http_options": {"host": "127.0.0.1", "port": on_head},
        "applications": [{"name": "lasting", "import_path": "tests.cluster.lasting:app"}],
    }
    serving = f"{dashboard}/api/serve/applications/"
    until(lambda: deployed(serving, config), "deployed")
    url = f"http://127.0.0.1:{on_worker}/"
    until(lambda: httpx.get(url).status_code == 200, "served")
    until(lambda: httpx.get(url).json()["met"], "acquainted")
    before = httpx.get(url).json()

    head.child("gcs_server").kill()
    head.kill()
    redis.kill()
    first = httpx.get(f"{url}behind", timeout=10)
    alone = [first, *(httpx.get(url, timeout=10) for _ in pause(40, 0.1))]
    redis.start()
    head.start()
    until(head.is_up, "up again")
    while_back = []

    def running():
        while_back.append(httpx.get(url, timeout=10))
        applications = httpx.get(serving, timeout=5).json()["applications"]
        return applications["lasting"]["status"] == "RUNNING"

    until(running, "known again")
    answers = [answer.json() for answer in [*alone, *while_back]]

    assert {answer.status_code for answer in [*alone, *while_back]} == {200}
    assert answers[0]["behind"]
    assert {answer["pid"] for answer in answers} == {before["pid"]}
    assert answers[-1]["asked"] == before["asked"] + len(answers)


def deployed(serving, config):
    """Whether the configuration was taken; as KubeRay does, ask again if not."""
    return httpx.put(serving, json=config, timeout=60).is_success


def pause(times, seconds):
    for n in range(times):
        time.sleep(seconds)
        yield n
