"""What is scraped keeps the labels that rules select it by; a real Prometheus says so."""

import itertools
import shutil
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.cluster.serving import until
from tests.monitoring.files import metric_labels, monitors, rules
from tests.monitoring.prometheus import CLUSTER, watching

GIVEN = {"namespace", "pod", "container", "endpoint", "service", "job", "instance"}
"""Labels that the operator gives to every target."""
OPERATOR = """\
# TYPE kuberay_service_condition_ready gauge
kuberay_service_condition_ready{condition="false",name="devmind",namespace="devmind-pipeline"} 1
"""
HAPROXY = """\
# TYPE haproxy_backend_active_servers gauge
haproxy_backend_active_servers{proxy="http-devmind"} 0
# TYPE haproxy_backend_http_responses_total counter
haproxy_backend_http_responses_total{proxy="http-devmind",code="5xx"} COUNTED
# TYPE haproxy_server_http_responses_total counter
haproxy_server_http_responses_total{proxy="http-devmind",server="SERVE_REPLICA",code="5xx"} 10
# TYPE haproxy_process_uptime_seconds gauge
haproxy_process_uptime_seconds 7
"""
RAY = """\
# TYPE ray_serve_application_status gauge
ray_serve_application_status{application="devmind"} 6
"""
SCRAPED = {
    ("kuberay-operator", "http"): OPERATOR,
    ("devmind-ray-worker", "haproxy"): HAPROXY,
    ("devmind-ray-head", "metrics"): RAY,
}


@pytest.fixture(name="prometheus", scope="module")
def _prometheus(tmp_path_factory):
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("Prometheus is not installed: install Debian's package `prometheus`")
    servers = {place: served(text) for place, text in SCRAPED.items()}
    targets = {place: [f"127.0.0.1:{one.server_port}"] for place, one in servers.items()}
    with watching(program, tmp_path_factory.mktemp("prometheus"), targets) as prometheus:
        until(lambda: len(prometheus.query("up == 1")) == len(SCRAPED), "scraped")
        yield prometheus
    for server in servers.values():
        server.shutdown()
        server.server_close()


def served(text):
    """A server that answers with *text*, in which one number grows with each answer."""
    answers = itertools.count(10)

    class Exporter(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text.replace("COUNTED", str(next(answers))).encode())

        def log_message(self, *_values):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    Thread(target=server.serve_forever, daemon=True).start()
    return server


def test_no_label_is_overwritten(prometheus):
    """
    Nothing that an exporter says is renamed because its target has a label of that name.
    """
    assert [label for label in prometheus.labels() if label.startswith("exported_")] == []


def test_an_unready_service_alerts_under_its_own_namespace(prometheus):
    """
    What the operator, which lives elsewhere, says of the RayService fires its alert.
    """
    until(lambda: "DevMindRayServiceNotReady" in prometheus.firing(), "alerting")
    (found,) = prometheus.query("kuberay_service_condition_ready")

    assert found["metric"]["namespace"] == "devmind-pipeline"
    assert found["metric"]["job"] == "kuberay-operator"


def test_what_haproxy_answers_itself_alerts(prometheus):
    """
    HAProxy's figures bear the cluster's name, only those that are read are kept, and errors that
    no server gave fire their alerts.
    """
    wanted = {"DevMindProxyFails", "DevMindNoServerUp", "DevMindErrorBudgetBurnFast"}
    until(lambda: wanted <= prometheus.firing(), "alerting")
    (failures,) = prometheus.query("devmind:http_failures:increase5m")

    assert failures["metric"]["ray_io_cluster"] == CLUSTER
    assert float(failures["value"][1]) >= 5
    assert {name for name in prometheus.names() if name.startswith("haproxy_")} == {
        "haproxy_backend_active_servers",
        "haproxy_backend_http_responses_total",
        "haproxy_server_http_responses_total",
    }


def test_what_an_exporter_says_of_others_is_honoured():
    """
    A monitor of metrics that rules select by a label that each target has, too, honours theirs.
    """
    needed = {
        label
        for rule in rules()
        for name, labels in metric_labels(rule["expr"]).items()
        if name.startswith("kuberay_")
        for label in labels
    }
    (operator,) = [one for one in monitors() if one["kind"] == "ServiceMonitor"]

    assert needed & GIVEN == {"namespace"}
    assert all(endpoint["honorLabels"] for endpoint in operator["spec"]["endpoints"])
