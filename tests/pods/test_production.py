"""Production's pods on this machine, behind its network policies: it serves, learns and survives.

    THOROUGH=1 python -m pytest -s tests/pods/test_production.py

prints what memory each container has taken at most.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import httpx
import pytest

from devmind.api_keys import make_key
from scripts.make_secrets import production
from tests.cluster.serving import until
from tests.conftest import ROOT
from tests.manifests.checks.objects import named
from tests.manifests.rendering import render
from tests.pods import kuberay, stores
from tests.pods.namespace import Namespace
from tests.pods.operator import Operator, boxed, ray_service, reached
from tests.postgres.server import find_tools

pytestmark = [pytest.mark.cluster, pytest.mark.thorough, pytest.mark.timeout(1200)]
CLUSTER, SERVICE = "devmind-abcde", "http://devmind-ml-service.devmind-pipeline.svc:8000"
_ASKED = f'wget -q -T 20 -t 1 -O - --header "X-API-Key: $DEVMIND_API_KEY" {SERVICE}/api/v1/projects'
PROJECTS = ("sh", "-c", _ASKED)
"""Asks what the ingress asks the history, whether models are there or not."""
ARGO = ROOT / "k8s/argocd/devmind"
"""Production, and the smoke test."""


@pytest.fixture(name="api_key", scope="module")
def _api_key():
    return make_key("first", ["admin"])


@pytest.fixture(name="pods", scope="module")
def _pods(pod_network, image, api_key, tmp_path_factory):
    if shutil.which("redis-server") is None or find_tools() is None:
        pytest.skip("install Debian's packages `redis-server` and `postgresql`")
    secrets = production(lambda: "a-value-of-a-test", api_key[1])
    folder = tmp_path_factory.mktemp("pods")
    with Namespace(render(ARGO), secrets, folder, image, pod_network) as pods:
        yield pods
        for name, mib in pods.peaks().items():
            print(f"{name:40} {mib:6.0f} MiB")  # noqa: T201 - the figures are asked for by -s


@pytest.fixture(name="running", scope="module")
def _running(pods):
    """What the stores and the service's cluster run in, by name."""
    found = {"postgres": stores.postgres(pods), "redis": stores.redis(pods)}
    found["mlflow"] = stores.mlflow(pods)
    operator, spec = Operator.beside(pods), ray_service(pods)
    cluster = spec["rayClusterConfig"]
    found["operator"] = operator
    found["head"] = operator.start_head(CLUSTER, cluster, serves=True)
    for number in (1, 2):
        worker = operator.start_worker(CLUSTER, cluster, number, serves=True)
        found[f"worker {number}"] = worker
    operator.deploy(found["head"], spec["serveConfigV2"])
    workers = [found["worker 1"], found["worker 2"]]
    for worker in workers:
        until(lambda each=worker: kuberay.ready(each, service=True), "a worker serves", 300)
    pods.serve("devmind-ml-service", *(worker.pod.where for worker in workers))
    return found


@pytest.fixture(name="ask", scope="module")
def _ask(pods, running, api_key):
    """Run our command line in a CI job's pod; its standard output."""
    runner = boxed(pods, "runner", {"devmind.io/client": "true"}, "ci")
    settings = [f"DEVMIND_URL={SERVICE}", f"DEVMIND_API_KEY={api_key[0]}", "HOME=/tmp"]

    def ask(*words, code=0):
        done = runner.run("env", *settings, *words)
        assert done.returncode == code, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    return ask


def test_it_answers_those_who_may_ask(pods, running, ask):
    """
    Two workers serve a CI job; strangers, and neighbours in the namespace, reach nothing.
    """
    answer = json.loads(ask("devmind", "status", "--json", code=4))
    assert "no version has been promoted" in answer["reasons"][0]
    stranger = boxed(pods, "stranger", {"app": "anything"}, "elsewhere")
    neighbour = boxed(pods, "neighbour", {"app": "anything"}, "devmind-pipeline")
    ports = (5000, 5432, 6379, 8000, 8080, 8265, 8404, 8500, 9101, 10001, 30000)

    for who in (stranger, neighbour):
        for name in ("head", "worker 1", "postgres", "redis", "mlflow"):
            assert reached(who, pods.ip(running[name].pod.where), *ports) == set(), name


def test_it_learns_at_night_and_predicts(pods, running, ask):
    """
    A recorded history is trained on by the nightly RayJob in a cluster of its own; the service
    follows and answers.
    """
    ask("python", "-m", "devmind.simulate", "/tmp/company", "--projects=1")
    ask("devmind", "import", "/tmp/company")
    template = named(pods.objects, "RayCronJob")["devmind-retraining"]["spec"]["jobTemplate"]
    operator, name = running["operator"], "devmind-retraining-1"

    head = operator.start_head(name, template["rayClusterSpec"], serves=False)
    workers = [
        operator.start_worker(name, template["rayClusterSpec"], number, serves=False)
        for number in (1, 2)
    ]
    assert operator.ran(head, template["entrypoint"], within_s=900) == "SUCCEEDED", head.said()
    for container in (*workers, head):
        container.kill()

    url = f"http://{pods.ip(running['worker 1'].pod.where)}:8000/ready"
    until(lambda: httpx.get(url).status_code == 200, "models loaded")
    until(lambda: answered(ask, "devmind", "status", "--json"), "every replica has loaded")
    project = json.loads(ask("devmind", "status", "--json"))["projects"][0]["project"]
    assert json.loads(ask("devmind", "predict", "--project", project, "--json"))


def test_the_smoke_test_and_the_backup_pass(pods, running):
    """
    What Argo CD runs after a sync, and what runs every night, succeed in pods of their own.
    """
    smoke = stores.job(pods, "Job/devmind-smoke", "smoke-1")
    backup = stores.job(pods, "CronJob/devmind-backup", "backup-1")

    assert smoke.code == 0, smoke.said()
    assert backup.code == 0, backup.said()
    dumps = sorted(path.name for path in (pods.folder / "claims/devmind-backups").iterdir())
    assert [name.split("-")[0] for name in dumps][:2] == ["devmind", "mlflow"]


def test_the_head_and_redis_die_and_come_back(pods, running, ask):
    """
    Workers answer while head and Redis are gone; a new head at another address finds the cluster
    again, and replicas are those that there were.
    """
    spec = ray_service(pods)["rayClusterConfig"]
    running["head"].kill()
    running["redis"].kill()
    for _ in range(5):
        ask(*PROJECTS)
    answering = [all_reached(pods, running[f"worker {number}"]) for number in (1, 2)]
    stores.redis(pods)
    pod = replace(kuberay.head(CLUSTER, spec, serves=True), where=f"{CLUSTER}-head-2")
    head = running["operator"].start_as_head(pod)

    until(lambda: running["operator"].states(head) == {"RUNNING"}, "known again", 300)
    ask(*PROJECTS)

    assert answering == [True, True]


def answered(ask, *words):
    """Whether a command succeeds; each replica loads a new version by itself."""
    try:
        return ask(*words)
    except AssertionError:
        return ""


def all_reached(pods, worker):
    """Whether a worker's ingress can ask every other deployment, with a model loaded or not."""
    answer = httpx.get(f"http://{pods.ip(worker.pod.where)}:8000/ready", timeout=20)
    if answer.status_code == 200:
        return True
    reasons = answer.json()["reasons"]
    return bool(reasons) and all("no version has been promoted" in each for each in reasons)


def test_a_worker_is_drained(pods, running, ask):
    """
    A worker that is deleted ends by itself in time, while the other one answers everything.
    """
    going, staying = running["worker 1"], running["worker 2"]
    pods.serve("devmind-ml-service", staying.pod.where)
    going.terminate()
    for _ in range(10):
        ask(*PROJECTS)

    going.ended(going.pod.spec["terminationGracePeriodSeconds"])

    assert not going.running()
