"""The client that asks from inside: every failure counts, and its log is read as far as it goes."""

import http.server
import json
import subprocess
import sys
import threading

import pytest

from tests.e2e_cluster import asker, asking
from tests.e2e_cluster.standin import of


class Service(http.server.BaseHTTPRequestHandler):
    """Answers; as often as `breaks` says it hangs up instead, as often as `refuses`, with 503."""

    protocol_version = "HTTP/1.1"
    breaks = refuses = 0

    def do_POST(self):
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        if type(self).breaks:
            type(self).breaks -= 1
            self.close_connection = True
            return
        ok = asked == b"{}" and self.headers["X-API-Key"] == "key" and not type(self).refuses
        type(self).refuses = max(0, type(self).refuses - 1)
        self.send_response(200 if ok else 503)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *words):
        pass


@pytest.fixture(name="service")
def _service():
    class Handler(Service):
        pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/ask", Handler
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("how", ["breaks", "refuses"])
def test_every_failure_counts(service, keeps, how):
    """
    The client in the pod asks once for each question: what breaks or is refused is a failure.
    """
    url, handler = service
    lane = asker.Lane(url, "{}", "key", keeps=keeps)
    for failing in (0, 2, 0):
        setattr(handler, how, failing)
        for _ in range(3):
            lane.ask()

    report = lane.report()
    assert (report["answered"], report["failures"], len(report["said"])) == (7, 2, 2)


def test_nobody_there_is_a_failure():
    """
    A connection that cannot be made counts too, and only the first words are kept.
    """
    lane = asker.Lane("http://127.0.0.1:1/ask", "{}", "key", keeps=True)
    for _ in range(12):
        lane.ask()

    assert (lane.failures, len(lane.said)) == (12, 10)


LOG = '{"fresh": {"answered": 40, "failures": 0, "said": []}, "kept": %s}\n'
KEPT = '{"answered": %d, "failures": 1, "said": ["12:00:00 broken"]}'


def test_the_log_is_read_as_far_as_it_goes(kubectl):
    """
    Before the first report there is none; a line that is cut off, or a traceback, is none either.
    """
    assert asking.read("") is None
    assert asking.read('{"fresh": {') is None
    assert asking.read('{"error": 1}') is None
    assert asking.read(LOG % KEPT % 3).kept == asking.Lane(3, 1, ("12:00:00 broken",))

    kubectl.says(logs=[{}, json.loads(LOG % KEPT % 3), json.loads(LOG % KEPT % 30)])
    asked = asking.Asking(kubectl.cluster)
    assert asked.report() is None
    assert not asked.has_answers(more_than=3)
    assert asked.has_answers(more_than=3)


def test_the_pod_that_asks_is_a_client(kubectl):
    """
    It has the label of clients, in a namespace of its own, and goes when nobody looks any more.
    """
    kubectl.says(logs=[json.loads(LOG % KEPT % 5)])
    with asking.asking(kubectl.cluster, "image:1", "key", "{}") as asked:
        assert asked.report().kept.failures == 1
    items = asking.objects("image:1", "key", "{}")["items"]
    (pod_,) = of(items, "Pod").values()

    assert pod_["metadata"]["labels"] == {"devmind.io/client": "true"}
    assert pod_["metadata"]["namespace"] == asking.CLIENTS != "devmind-pipeline"
    assert "devmind-ml-service.devmind-pipeline:8000" in json.dumps(pod_)
    assert pod_["spec"]["containers"][0]["image"] == "image:1"
    assert kubectl.calls[0].endswith("apply --filename=-")
    assert "delete pod asking" in kubectl.calls[-1]


def test_its_text_is_enough(service):
    """
    The pod runs the program from its text, and its first line is a report of both ways.
    """
    url, _ = service
    env = {"URL": url, "BODY": "{}", "KEY": "key", "PYTHONUNBUFFERED": "1"}
    (pod,) = of(asking.objects("image:1", "key", "{}")["items"], "Pod").values()
    _, option, text = pod["spec"]["containers"][0]["command"]
    with subprocess.Popen(
        [sys.executable, "-I", option, text], env=env, stdout=subprocess.PIPE, text=True
    ) as program:
        said = asking.read(program.stdout.readline())
        program.kill()

    assert min(said.fresh.answered, said.kept.answered) > 0
    assert said.fresh.failures == said.kept.failures == 0
