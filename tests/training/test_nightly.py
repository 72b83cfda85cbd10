"""The nightly RayJob, made through an API server that obeys the protocol."""

from __future__ import annotations

import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from training import nightly
from training.nightly import ApiServer, connect, main, start

CRON = {
    "metadata": {"name": "devmind-retraining", "labels": {}},
    "spec": {"suspend": True, "jobTemplate": {"entrypoint": "python -m training.job all"}},
}
ROOT = "/apis/ray.io/v1/namespaces/devmind-pipeline"
TOKEN = "of-the-pod"


class FakeApiServer:
    """Keeps RayJobs as the API server does: by name, selected by label, a name only once."""

    def __init__(self):
        self.cron = json.loads(json.dumps(CRON))
        self.jobs = {}
        self.refuses = None
        self.hides = False
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                fake.answer(self, None)

            def do_POST(self):
                fake.answer(self, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, request, body):
        code, said = self.reply(request, body)
        text = json.dumps(said).encode()
        request.send_response(code)
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)

    def reply(self, request, body):
        path, _, query = request.path.partition("?")
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            return 401, {"kind": "Status"}
        if self.refuses:
            return self.refuses, {"kind": "Status"}
        if path == f"{ROOT}/raycronjobs/devmind-retraining":
            return 200, self.cron
        if path == f"{ROOT}/rayjobs" and body is None:
            assert query == "labelSelector=devmind.io%2Fnightly%3Ddevmind-retraining"
            return 200, {"items": [] if self.hides else list(self.jobs.values())}
        if path == f"{ROOT}/rayjobs":
            return self.create(body)
        return 404, {"kind": "Status"}

    def create(self, job):
        name = job["metadata"]["name"]
        if name in self.jobs:
            return 409, {"kind": "Status", "reason": "AlreadyExists"}
        job["metadata"]["creationTimestamp"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        self.jobs[name] = job | {"status": {}}
        return 201, job


@pytest.fixture(name="server")
def _server():
    fake = FakeApiServer()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


@pytest.fixture(name="api")
def _api(server):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=server.url, headers=headers) as client:
        yield ApiServer(namespace="devmind-pipeline", client=client)


def test_a_tick_makes_the_job_of_the_template(server, api):
    """
    The job is what the RayCronJob describes, named for the tick.
    """
    assert start(api, "devmind-retraining", "nightly-1") == "made nightly-1"

    job = server.jobs["nightly-1"]
    assert job["spec"] == CRON["spec"]["jobTemplate"]
    assert job["metadata"]["labels"] == {"devmind.io/nightly": "devmind-retraining"}


def test_a_tick_that_is_tried_again_makes_no_second_job(server, api):
    """
    A pod that died after making the job is started again, and makes none.
    """
    start(api, "devmind-retraining", "nightly-1")

    assert start(api, "devmind-retraining", "nightly-1") == "nightly-1 was made before"
    assert list(server.jobs) == ["nightly-1"]


def test_two_pods_of_one_tick_make_one_job(server, api):
    """
    Even when neither sees the other's job, the name decides.
    """
    start(api, "devmind-retraining", "nightly-1")
    server.hides = True

    assert start(api, "devmind-retraining", "nightly-1") == "nightly-1 was made before"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("Running", "nothing made: nightly-1 is still under way"),
        ("Initializing", "nothing made: nightly-1 is still under way"),
        ("Complete", "made nightly-2"),
        ("Failed", "made nightly-2"),
        ("ValidationFailed", "made nightly-2"),
        ("Suspended", "nothing made: nightly-1 is still under way"),
    ],
)
def test_a_job_under_way_is_not_joined_by_another(server, api, state, said):
    """
    The next tick waits for a job that runs, and not for one that has ended.
    """
    start(api, "devmind-retraining", "nightly-1")
    server.jobs["nightly-1"]["status"] = {"jobDeploymentStatus": state}

    assert start(api, "devmind-retraining", "nightly-2") == said


@pytest.mark.parametrize(
    ("hours", "said"),
    [(5, "nothing made: nightly-1 is still under way"), (7, "made nightly-2")],
)
def test_a_job_that_no_operator_takes_up_is_not_waited_for_for_ever(server, api, hours, said):
    """
    A job without any status is waited for as long as one may run, and then is none.
    """
    start(api, "devmind-retraining", "nightly-1")
    made = datetime.now(UTC) - timedelta(hours=hours)
    job = server.jobs["nightly-1"]
    del job["status"]
    job["metadata"]["creationTimestamp"] = f"{made:%Y-%m-%dT%H:%M:%SZ}"

    assert start(api, "devmind-retraining", "nightly-2") == said


def test_a_queue_is_handed_on(server, api):
    """
    Kueue's label on the RayCronJob stands on the job as well.
    """
    server.cron["metadata"]["labels"] = {nightly.QUEUE: "devmind-training"}
    start(api, "devmind-retraining", "nightly-1")

    assert server.jobs["nightly-1"]["metadata"]["labels"][nightly.QUEUE] == "devmind-training"


@pytest.mark.parametrize("code", [401, 403, 404, 500])
def test_a_refusal_is_an_exit_code_and_a_sentence(server, monkeypatch, capsys, code):
    """
    What the API server refuses fails the pod, which Kubernetes then starts again.
    """
    server.refuses = code
    client = httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {TOKEN}"})
    found = ApiServer(namespace="devmind-pipeline", client=client)
    monkeypatch.setattr(nightly, "connect", lambda *_: found)

    assert main(["devmind-retraining"], {"JOB_NAME": "nightly-1"}) == 1
    said = capsys.readouterr().err
    assert str(code) in said
    assert TOKEN not in said


def test_a_pod_finds_its_api_server(tmp_path):
    """
    Address from the environment, token and namespace from the service account, and its CA alone.
    """
    certificates = httpx.create_ssl_context().get_ca_certs(binary_form=True)
    (tmp_path / "token").write_text(TOKEN + "\n")
    (tmp_path / "namespace").write_text("devmind-pipeline")
    (tmp_path / "ca.crt").write_text(_pem(certificates[0]))
    environment = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}

    api = connect(environment, tmp_path)

    assert str(api.client.base_url) == "https://[fd00::1]"
    assert api.client.headers["Authorization"] == f"Bearer {TOKEN}"
    assert api.path("rayjobs") == f"{ROOT}/rayjobs"


def _pem(certificate):
    return ssl.DER_cert_to_PEM_cert(certificate)
