"""The real service, watched by a real Prometheus and traced by a receiver that speaks OTLP."""

import os
import shutil
import signal
import socket
import time
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import pytest
import ray

from deployments.http import examples
from devmind.client import Client
from models.names import BUILD_OPTIMIZER, MODELS, in_paths
from models.registry import Registry
from tests.cluster.serving import kill, lines, pids, served, until
from tests.deployments.company import PROJECT, happened, queued, recorded_and_registered, register
from tests.monitoring.files import metric_names, rules
from tests.monitoring.names import (
    ELSEWHERE,
    NOT_YET,
    WATCHED,
    explained,
    read,
    read_by_rays_dashboards,
)
from tests.monitoring.prometheus import CLUSTER, watching
from tests.monitoring.receiver import receiving

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

ASSESS = "/api/v1/assess"
REPORT_S = 5
"""What Ray does every 10 s in production it does twice as often here; a gauge lives for two."""


@pytest.fixture(name="receiver", scope="module")
def _receiver():
    with receiving() as (receiver, address):
        yield receiver, address


@pytest.fixture(name="place", scope="module")
def _place(tmp_path_factory):
    return recorded_and_registered(tmp_path_factory.mktemp("home"))


@pytest.fixture(name="url", scope="module")
def _url(place, receiver):
    environment = {
        "JAEGER_ENDPOINT": receiver[1],
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "RAY_SERVE_TRACING_EXPORTER_IMPORT_PATH": "deployments.tracing:exporter",
        "RAY_SERVE_TRACING_SAMPLING_RATIO": "0.0",
        "DEVMIND_TRACE_RATIO": "1.0",
        "RAY_SERVE_STATUS_GAUGE_REPORT_INTERVAL_S": str(REPORT_S),
    }
    with served(place.home, environment=environment, report_ms=1000 * REPORT_S) as url:
        yield url


@pytest.fixture(name="prometheus", scope="module")
def _prometheus(url, tmp_path_factory):
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("Prometheus is not installed: install Debian's package `prometheus`")
    (node,) = ray.nodes()
    targets = {
        ("devmind-ray-head", "metrics"): [
            f"{node['NodeManagerAddress']}:{node['MetricsExportPort']}"
        ],
        ("devmind-ray-worker", "haproxy"): [
            f"127.0.0.1:{os.environ['RAY_SERVE_HAPROXY_METRICS_PORT']}"
        ],
    }
    with watching(program, tmp_path_factory.mktemp("prometheus"), targets) as prometheus:
        yield prometheus


def assess(url, **headers):
    answer = httpx.post(url + ASSESS, json=examples.ASSESS, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text


def test_a_trace_goes_from_http_to_the_models(url, receiver):
    """
    A request is one trace: the caller's span, the door, the ingress and all three models, each a
    child of another; its id stands in the log lines.
    """
    trace, caller = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    parts = ("ingress", "build-optimizer", "failure-predictor", "test-intelligence")
    answering = {f"replica_handle_request {part}" for part in parts}
    assess(url, traceparent=f"00-{trace}-{caller}-01")

    def named():
        return {" ".join(span.name.split()[:2]) for span in receiver[0].of(trace)}

    until(lambda: answering <= named(), "traced")
    found = receiver[0].of(trace)
    until(lambda: {span.parent for span in receiver[0].of(trace)} - {caller} <= ids(found), "whole")
    found = receiver[0].of(trace)

    assert any(span.parent == caller for span in found)
    assert {span.service for span in found} == {"devmind-ml-service"}
    assert any(span.attributes.get("http.route") == ASSESS for span in found)
    until(lambda: {"ingress", "build-optimizer"} <= said("trace_id", trace), "logged")


def ids(spans):
    return {span.span for span in spans}


def said(field, value):
    """The deployments that have logged a line with that value."""
    return {line.get("deployment") for line in lines() if line.get(field) == value}


def test_a_request_begins_a_trace_unless_its_caller_decided(url, receiver):
    """
    A request that nobody traces begins one trace, whole from the ingress to all three models; one
    whose caller chose not to be traced leaves no span; nothing else begins any.
    """
    unwanted = "1" * 32
    assess(url, traceparent=f"00-{unwanted}-{'2' * 16}-00")
    assess(url)

    def begun():
        return [span for span in list(receiver[0].spans) if not span.parent]

    until(begun, "begun")
    trace = begun()[0].trace
    until(lambda: len(receiver[0].of(trace)) > len(MODELS), "traced")
    until(
        lambda: {s.parent for s in receiver[0].of(trace)} <= {"", *ids(receiver[0].of(trace))}, ""
    )
    answering = {" ".join(span.name.split()[:2]) for span in receiver[0].of(trace)}

    assert {f"replica_handle_request {in_paths(model)}" for model in MODELS} <= answering
    assert {span.name for span in begun()} == {"http_request POST"}
    assert receiver[0].of(unwanted) == []


def test_log_lines_of_one_request_have_its_id(url):
    """
    The ingress and every model log the caller's request id; model lines also say project and
    version, and a hostile id is made harmless everywhere alike.
    """
    assess(url, **{"x-request-id": "log-me-1"})
    assess(url, **{"x-request-id": 'evil"{}1'})
    parts = {"ingress", "build-optimizer", "failure-predictor", "test-intelligence"}
    until(lambda: parts <= said("request_id", "log-me-1"), "logged")
    until(lambda: parts <= said("request_id", "evil1"), "logged")

    answered = [
        line
        for line in lines()
        if line.get("request_id") == "log-me-1" and line["event"] == "question answered"
    ]

    assert {line["model"] for line in answered} == {
        "build_optimizer",
        "failure_predictor",
        "test_intelligence",
    }
    assert {(line["project"], line["model_version"]) for line in answered} == {(PROJECT, "1")}


def test_rules_work_on_what_the_service_says(url, prometheus):
    """
    Every rule evaluates without an error, what is recorded of a live service has values, and no
    alert of a healthy service fires.
    """
    live = {rule["record"] for rule in rules() if "record" in rule}
    live -= {rule["record"] for rule in rules() if "record" in rule and waits(rule["expr"])}
    until(lambda: traffic(url) and live <= prometheus.names(), "recorded")
    until(lambda: all(rule["health"] == "ok" for rule in prometheus.rules()), "evaluated")

    assert [rule["lastError"] for rule in prometheus.rules() if rule.get("lastError")] == []
    assert value(prometheus, f'devmind:http_requests:increase5m{{route="{ASSESS}"}}') > 0
    assert value(prometheus, "devmind:http_errors:ratio_rate5m") == 0
    until(lambda: scraped(prometheus) == {"devmind-ray-head", "devmind-haproxy"}, "scraped")
    settled = {"DevMindOperatorDown"}  # there is none here
    until(lambda: prometheus.firing() == settled, "calm")


def scraped(prometheus):
    """The jobs whose newest scrape went well: on a busy machine one may take too long."""
    return {one["metric"]["job"] for one in prometheus.query("up == 1")}


def waits(expression):
    return metric_names(expression) & {*NOT_YET, *WATCHED, *ELSEWHERE}


def value(prometheus, expression):
    """The sum of what an expression gives now."""
    return sum(float(one["value"][1]) for one in prometheus.query(expression))


def test_slowness_is_told_by_route(url, prometheus):
    """
    A question's route is a label of the recorded latency, and of nothing but questions and records.
    """

    def routes():
        return {
            one["metric"]["route"] for one in prometheus.query("devmind:http_latency_ms:p95_rate5m")
        }

    until(lambda: traffic(url) and {ASSESS, "/api/v1/builds"} <= routes(), "told")

    assert "/" not in routes()
    assert all(route.startswith("/api/v1/") for route in routes())


def test_no_label_that_is_read_is_overwritten(url, prometheus):
    """
    What rules and dashboards select or group Ray's and HAProxy's figures by is what these say, not
    what the operator gives under that name; all bear the cluster's name.
    """
    traffic(url)
    until(lambda: {"haproxy_backend_active_servers", "ray_node_mem_used"} <= prometheus.names(), "")
    needed = {f"exported_{label}" for labels in read().values() for label in labels}

    assert prometheus.labels() & needed == set()
    assert prometheus.get("label/ray_io_cluster/values") == [CLUSTER]


def test_requests_that_time_out_are_failures_and_callers_that_leave_are_none(url, prometheus):
    """
    Serve answers 408 when a request's time is up, which counts as a failure; a caller that leaves
    is counted as 499, which does not.
    """
    failures = "devmind:http_failures:increase5m"
    headers = {"x-request-timeout-seconds": "0.001"}

    def late(times):
        for _ in range(times):
            answer = httpx.post(url + ASSESS, json=examples.ASSESS, headers=headers, timeout=60)
            assert answer.status_code == 408

    def counted(code):
        where = f'{{route="{ASSESS}",status_code="{code}"}}'
        return value(prometheus, f"ray_serve_num_http_requests_total{where}")

    late(1)  # to a Prometheus that has only begun, a counter that appears is an old one
    until(lambda: counted(408) >= 1, "counted")
    before = value(prometheus, failures)
    late(3)
    until(lambda: leave(url) or counted(499) >= 1, "counted")
    until(lambda: value(prometheus, failures) >= before + 2.9, "failures")

    assert value(prometheus, failures) < before + 5


def leave(url):
    """Ask, and be gone before the answer."""
    body = httpx.Request("POST", url + ASSESS, json=examples.ASSESS).read()
    head = f"POST {ASSESS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", urlsplit(url).port)) as connection:
        connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        time.sleep(0.003)  # it is on its way to the models


def test_an_ingress_that_hangs_leaves_no_server(url, prometheus):
    """
    When no ingress replica answers HAProxy any more, the alert for it fires, and ends with it.
    """
    (pid,) = pids("ingress")
    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: "DevMindNoServerUp" in prometheus.firing(), "alerting")
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: "DevMindNoServerUp" not in prometheus.firing(), "calm")


def test_a_promotion_of_a_damaged_version_alerts(url, place, prometheus):
    """
    When something breaks, the alert for it fires: here a promoted version whose file is damaged.
    """
    registry = Registry(place.tracking_uri, place.artifacts)
    options = {"models": [BUILD_OPTIMIZER], "promote": False}
    version = register(registry, place.home, **options)[BUILD_OPTIMIZER]
    newest = max(place.artifacts.rglob("booster.ubj"), key=lambda path: path.stat().st_mtime_ns)
    newest.write_bytes(b"spoilt")
    body = {"version": version, "force": True}
    httpx.post(f"{url}/models/build-optimizer/promote", json=body, timeout=30).raise_for_status()
    until(lambda: "DevMindModelRejected" in prometheus.firing(), "alerting")
    httpx.post(f"{url}/models/build-optimizer/rollback", timeout=30).raise_for_status()

    (alert,) = [
        a
        for a in prometheus.get("alerts")["alerts"]
        if a["labels"]["alertname"] == "DevMindModelRejected"
    ]
    assert alert["annotations"]["summary"].endswith("build_optimizer cannot be loaded")


def test_every_metric_that_is_read_exists(url, prometheus):
    """
    Every name in rules and in our dashboards is scraped from the service, with each label that it
    is selected, grouped or joined by; what is not is explained, and is indeed not there.
    """
    traffic(url)
    needed = read()
    elsewhere = {*ELSEWHERE, *NOT_YET, *WATCHED}

    def missing():
        there = {name for name in needed if name in prometheus.names()}
        bare = {name for name in there if not prometheus.bears(name, needed[name])}
        return (needed.keys() - there - elsewhere) | (bare - elsewhere)

    with suppress(pytest.fail.Exception):  # the assertion says which are missing
        until(lambda: not missing(), "scraped")
    assert missing() == set()
    assert elsewhere - needed.keys() == set()
    assert {*ELSEWHERE, *NOT_YET} & prometheus.names() == set()


def test_rays_own_dashboards_read_what_ray_exposes(prometheus):
    """
    Every name in Ray's dashboards is scraped, too, or explained; one of them when a worker dies.
    """
    kill(pids("failure-predictor")[0])
    wanted = {name for name in read_by_rays_dashboards() if not explained(name)}
    with suppress(pytest.fail.Exception):  # the assertion says which are missing
        until(lambda: wanted <= prometheus.names(), "scraped")

    assert wanted - prometheus.names() == set()


def traffic(url):
    """A build with its tests and its end, and a question about it; returns true."""
    build, events = queued(30), happened(30)
    with Client(url) as client:
        receipt = client.record_build(build)
        client.record_tests(receipt.build_id, events[1].report)
        client.record_finish(receipt.build_id, events[2].outcome)
    assess(url)
    return True
