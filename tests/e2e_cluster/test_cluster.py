"""The service on a real Kubernetes: deploy, predict, kill the head, upgrade, roll back.

    KUBECONFIG=... DEVMIND_E2E_IMAGE=... python -m pytest tests/e2e_cluster

The tests build on each other, in this order. They take about half an hour and a namespace of their
own, which they delete; DEVMIND_E2E_KEEP=1 leaves it for a look.
"""

from __future__ import annotations

import subprocess
import sys
import threading

import httpx
import pytest

from devmind.client import Client, Question
from devmind.errors import DevMindError
from tests.conftest import ROOT
from tests.e2e_cluster.conftest import PATIENCE_S, deploy
from tests.e2e_cluster.kubernetes import eventually

pytestmark = pytest.mark.timeout(3600)
OLD, NEW = "RAY_GRAFANA_HOST: DISABLED", "RAY_GRAFANA_HOST: http://grafana.monitoring:3000"


@pytest.fixture(name="project", scope="module")
def _project(cluster, api_key, devmind, tmp_path_factory):
    """A simulated company's history, recorded; its first project."""
    folder = tmp_path_factory.mktemp("history") / "company"
    command = [sys.executable, "-m", "devmind.simulate", str(folder), "--projects", "1"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with cluster.service() as url:
        devmind("import", str(folder), url=url)
        with Client(url, api_key) as client:
            (found,) = client.projects()
    return found.project


class Asking:
    """Asks for predictions all the time, and keeps what failed."""

    def __init__(self, url, key, project):
        self.answered, self.failed = 0, []
        self._client, self._question = Client(url, key), Question(project=project)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join()
        self._client.close()

    def _ask(self):
        while not self._stop.wait(0.2):
            try:
                self._client.predict_duration(self._question)
                self.answered += 1
            except DevMindError as error:
                self.failed.append(str(error))


def predicted(cluster, key, project):
    with cluster.service() as url, Client(url, key) as client:
        return client.predict_duration(Question(project=project))


def test_it_is_deployed_and_no_request_needs_the_head(cluster, api_key):
    """
    Two workers serve, the head does not, and the service asks for a key.
    """
    endpoints = cluster.get(
        "endpointslices", "--selector", "kubernetes.io/service-name=devmind-ml-service"
    )
    pods = {
        each["targetRef"]["name"]
        for part in endpoints["items"]
        for each in part["endpoints"]
        if each["conditions"]["ready"]
    }

    assert len(pods) == 2
    assert cluster.head_pod() not in pods
    with cluster.service() as url:
        assert httpx.get(f"{url}/projects").status_code == 401


def test_it_learns_and_predicts(cluster, api_key, devmind, project):
    """
    A recorded history is trained on inside the cluster, and the models answer.
    """
    with cluster.service() as url:
        devmind("train", "all", "--promote-if-better", "--wait", url=url)
        eventually(lambda: httpx.get(f"{url}/ready").is_success, "models loaded", within_s=120)

    answer = predicted(cluster, api_key, project)
    assert answer.model_version
    assert 0 < answer.p10_s <= answer.p50_s <= answer.p90_s


def test_the_head_dies_and_predictions_go_on(cluster, api_key, project):
    """
    While the head is killed and comes back, workers answer; the cluster is the same afterwards.
    """
    before, head = cluster.active_cluster(), cluster.head_pod()
    with cluster.service() as url, Asking(url, api_key, project) as asking:
        cluster.ours("delete", "pod", head, "--grace-period=0", "--force")
        eventually(lambda: _ready(cluster), "a new head is ready", within_s=PATIENCE_S)
        after = asking.answered
        eventually(lambda: asking.answered > after + 20, "answers afterwards", within_s=60)

    assert asking.failed == []
    assert cluster.active_cluster() == before
    assert cluster.head_pod() != head


def _ready(cluster):
    pod = cluster.get("pod", cluster.head_pod())
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def test_an_upgrade_takes_a_new_cluster_and_a_rollback_another(cluster, api_key, project):
    """
    A changed setting starts a new cluster, which takes over with the models and the history;
    the old setting applied again does the same once more.
    """
    first = cluster.active_cluster()
    version = predicted(cluster, api_key, project).model_version

    deploy(cluster, **{OLD: NEW})
    eventually(lambda: cluster.active_cluster() != first, "a new cluster", within_s=PATIENCE_S)
    second = cluster.active_cluster()
    assert predicted(cluster, api_key, project).model_version == version

    deploy(cluster)
    eventually(lambda: cluster.active_cluster() != second, "a third", within_s=PATIENCE_S)
    assert predicted(cluster, api_key, project).model_version == version


def test_a_changed_serve_configuration_keeps_the_cluster(cluster, api_key, project):
    """
    What stands in serve_config.yaml is deployed in place.
    """
    before = cluster.active_cluster()

    deploy(cluster, **{"target_ongoing_requests: 20": "target_ongoing_requests: 15"})

    assert cluster.active_cluster() == before
    assert predicted(cluster, api_key, project).p50_s > 0
