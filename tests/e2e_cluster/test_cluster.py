"""The service on a real Kubernetes: deploy, predict, kill the head, upgrade, roll back.

    DEVMIND_E2E_CONTEXT=... DEVMIND_E2E_IMAGE=... python -m pytest tests/e2e_cluster

The tests build on each other, in this order. They take about an hour and two namespaces of their
own, which they delete; DEVMIND_E2E_KEEP=1 leaves them for a look.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import httpx
import pytest

from devmind.client import Client, Question
from tests.conftest import ROOT
from tests.e2e_cluster.asking import asking
from tests.e2e_cluster.conftest import IMAGE, PATIENCE_S, deploy
from tests.e2e_cluster.kubernetes import eventually, is_ready, setting
from tests.e2e_cluster.manifests import replaced, rolled

pytestmark = [pytest.mark.e2e_cluster, pytest.mark.timeout(3600)]
NEXT_IMAGE = os.environ.get("DEVMIND_E2E_NEXT_IMAGE", "")
MODEL = "build-optimizer"
TARGET = ("autoscaling_config", "target_ongoing_requests")


@pytest.fixture(name="question", scope="module")
def _question(cluster, api_key, devmind, tmp_path_factory):
    """A simulated company's history, recorded; a question about its first project."""
    folder = tmp_path_factory.mktemp("history") / "company"
    command = [sys.executable, "-m", "devmind.simulate", str(folder), "--projects", "1"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    devmind("import", str(folder))
    with cluster.service() as url, Client(url, api_key) as client:
        (found,) = client.projects()
    return Question(project=found.project)


@pytest.fixture(name="clients", scope="module")
def _clients(cluster, api_key, question):
    """Enter it, and a pod inside the cluster asks by the name of the Service."""
    return lambda: asking(cluster, IMAGE, api_key, json.dumps(question.body()))


@pytest.fixture(name="predicted", scope="module")
def _predicted(cluster, api_key, question):
    """Ask once."""

    def ask():
        with cluster.service() as url, Client(url, api_key) as client:
            return client.predict_duration(question)

    return ask


def test_it_is_deployed_and_no_request_needs_the_head(cluster, api_key):
    """
    Two workers serve, the head does not, and the service asks for a key.
    """
    eventually(lambda: len(cluster.serving_pods()) == 2, "two pods serve", within_s=120)

    assert cluster.head_pod() not in cluster.serving_pods()
    with cluster.service() as url:
        assert httpx.get(f"{url}/api/v1/projects").status_code == 401


def test_it_learns_and_predicts(cluster, devmind, predicted):
    """
    A recorded history is trained on inside the cluster, and the models answer.
    """
    devmind("train", "all", "--promote-if-better", "--wait")
    with cluster.service() as url:
        eventually(lambda: httpx.get(f"{url}/ready").is_success, "models loaded", within_s=120)

    answer = predicted()
    assert answer.model_version
    assert 0 < answer.p10_s <= answer.p50_s <= answer.p90_s


def test_a_model_is_rolled_back(cluster, api_key, devmind, predicted):
    """
    A second version is promoted and answers; `devmind rollback` brings the first back in a minute.
    """
    first = predicted().model_version
    devmind("train", MODEL, "--wait")
    with cluster.service() as url, Client(url, api_key) as client:
        (status,) = [each for each in client.model_status() if each.model == MODEL]
    newest = status.versions[0].version
    assert newest != status.champion

    devmind("promote", MODEL, newest, "--force")
    eventually(lambda: predicted().model_version != first, "the second answers", within_s=60)
    devmind("rollback", MODEL)
    eventually(lambda: predicted().model_version == first, "the first answers", within_s=60)


def test_the_head_dies_and_no_prediction_fails(cluster, clients):
    """
    While the head is killed and comes back, workers answer every question; the cluster stays.
    """
    before, head = cluster.active_cluster(), cluster.head()
    with clients() as asking_pod:
        name = head["metadata"]["name"]
        cluster.ours("delete", "pod", name, "--grace-period=0", "--force")
        eventually(lambda: _is_back(cluster, head), "a new head is ready", within_s=PATIENCE_S)
        went = asking_pod.gets_more()

    assert (went.fresh.said, went.kept.said) == ((), ())
    assert cluster.active_cluster() == before


def _is_back(cluster, old):
    """Whether another head is ready; KubeRay may give it the name of the old one."""
    head = cluster.head()
    return is_ready(head) and head["metadata"]["uid"] != old["metadata"]["uid"]


def upgraded(objects):
    """Return what an upgrade applies: the next image, or an annotation that rolls the pods."""
    return replaced(objects, IMAGE, NEXT_IMAGE) if NEXT_IMAGE else rolled(objects, "again")


def test_an_upgrade_takes_a_new_cluster_and_a_rollback_another(
    cluster, objects, clients, predicted
):
    """
    Each starts a new cluster, which takes over with the models and the history. A question on a new
    connection never fails; a connection that is kept breaks once, when the old cluster goes.
    """
    version = predicted().model_version
    for wanted in (upgraded(objects), objects):
        old = cluster.active_cluster()
        with clients() as asking_pod:
            deploy(cluster, wanted)
            eventually(lambda old=old: _is_gone(cluster, old), "it goes", within_s=PATIENCE_S)
            went = asking_pod.gets_more()

        assert predicted().model_version == version
        assert went.fresh.said == ()
        assert went.kept.failures <= 1, went.kept.said


def _is_gone(cluster, old):
    """Whether another cluster serves, and of the old one no pod is left."""
    selector = f"ray.io/cluster={old}"
    left = cluster.find("pods", "--selector", selector).get("items", [])
    return cluster.active_cluster() not in ("", old) and not left


def test_a_changed_serve_configuration_keeps_the_cluster(cluster, objects, predicted):
    """
    What stands in serve_config.yaml is deployed in place, and Serve says that it has it.
    """
    before = cluster.active_cluster()
    assert setting(cluster.applications(), "ingress", *TARGET) == 20

    deploy(cluster, replaced(objects, "target_ongoing_requests: 20", "target_ongoing_requests: 15"))
    eventually(
        lambda: setting(cluster.applications(), "ingress", *TARGET) == 15,
        "Serve has the setting",
        within_s=PATIENCE_S,
    )

    assert cluster.active_cluster() == before
    assert predicted().p50_s > 0
