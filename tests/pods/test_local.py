"""The local overlay, run as a cluster would run it: one pod that does everything."""

from __future__ import annotations

import json

import httpx
import pytest

from devmind.api_keys import make_key
from scripts.make_secrets import local
from tests.manifests.rendering import LOCAL, render
from tests.pods.kuberay import ready
from tests.pods.namespace import Namespace
from tests.pods.operator import Operator, boxed, ray_service, reached

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
CLUSTER = "devmind-abcde"


@pytest.fixture(name="api_key", scope="module")
def _api_key():
    return make_key("first", ["admin"])


@pytest.fixture(name="pods", scope="module")
def _pods(pod_network, image, api_key, tmp_path_factory):
    secrets = local(lambda: "a-token-of-a-test", api_key[1])
    folder = tmp_path_factory.mktemp("pods")
    with Namespace(render(LOCAL), secrets, folder, image, pod_network) as pods:
        yield pods


@pytest.fixture(name="head", scope="module")
def _head(pods):
    operator, spec = Operator.beside(pods), ray_service(pods)
    head = operator.start_head(CLUSTER, spec["rayClusterConfig"], serves=True)
    operator.deploy(head, spec["serveConfigV2"])
    pods.serve("devmind-ml-service", head.pod.where)
    return head


def test_one_pod_serves(pods, head, api_key):
    """
    As user 1000, on a root file system that nobody can write, with the settings of the overlay
    alone, the pod becomes ready, answers who has a key, and logs where a cluster collects.
    """
    url = f"http://{pods.ip(head.pod.where)}:8000"
    key = {"X-API-Key": api_key[0], "X-Request-ID": "asked-by-a-test"}

    assert ready(head, service=True)
    assert httpx.get(f"{url}/health").status_code == 200
    assert httpx.get(f"{url}/api/v1/projects").status_code == 401
    assert httpx.get(f"{url}/api/v1/projects", headers=key).json() == {"projects": []}
    answer = httpx.post(
        f"{url}/api/v1/build-optimizer/predict", headers=key, json={"project_name": "shop"}
    )
    assert answer.status_code == 503
    assert "no version has been promoted" in answer.text
    lines = [line for line in head.said().splitlines() if '"asked-by-a-test"' in line]
    assert {json.loads(line[line.index("{") :])["request_id"] for line in lines} == {
        "asked-by-a-test"
    }


def test_nobody_gets_to_the_dashboard(pods, head):
    """
    A pod of another namespace reaches the service, which has keys, and nothing else of the pod.
    """
    stranger = boxed(pods, "stranger", {"app": "anything"}, "elsewhere")
    ports = (6379, 8000, 8080, 8265, 8404, 8500, 9101, 10001, 30000, 52365)

    assert reached(head, "127.0.0.1", *ports) >= {6379, 8000, 8080, 8265, 8500, 30000}
    assert reached(stranger, pods.ip(head.pod.where), *ports) == {8000}


@pytest.mark.thorough
def test_the_pod_ends_when_it_is_asked_to(head):
    """
    A pod that is deleted drains and ends by itself, before it would be killed.
    """
    head.terminate()
    head.ended(head.pod.spec["terminationGracePeriodSeconds"])

    assert not head.running()
