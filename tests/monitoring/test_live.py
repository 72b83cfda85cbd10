"""The real service, watched by a real Prometheus and traced by a receiver that speaks OTLP."""

import shutil
from contextlib import suppress

import httpx
import pytest
import ray

from deployments.http import examples
from devmind.client import Client
from models.names import BUILD_OPTIMIZER, MODELS, in_paths
from models.registry import Registry
from tests.cluster.serving import lines, served, until
from tests.deployments.company import PROJECT, happened, queued, recorded_and_registered, register
from tests.monitoring.files import OURS, metric_names, queries, rules
from tests.monitoring.prometheus import watching
from tests.monitoring.receiver import receiving

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

ASSESS = "/api/v1/assess"
ELSEWHERE = {
    "kube_statefulset_status_replicas_ready": "kube-state-metrics",
    "kuberay_service_condition_ready": "the KubeRay operator",
}
"""Metrics that others than Ray's nodes expose."""
NOT_YET = {
    "ray_devmind_stale_answers_total": "the history has not been away",
    "ray_devmind_training_jobs_total": "no job has ended; seen in tests/cluster/test_serving.py",
    "ray_devmind_rolling_error": "too few builds; seen in tests/cluster/test_watching.py",
    "ray_devmind_rolling_error_ratio": "as above",
    "ray_devmind_rolling_coverage_ratio": "as above",
    "ray_devmind_rolling_brier": "as above",
    "ray_devmind_escapes_total": "nothing was left out that then failed",
    "ray_devmind_training_last_success_timestamp_seconds": "no training has succeeded",
    "ray_devmind_shadow_builds": "no version answers in the shadow",
    "ray_devmind_rolling_auc": "no build was watched that failed beside one that passed",
    "ray_devmind_rolling_calibration_error": "as above",
    "ray_devmind_rolling_recall_ratio": "no failing test was watched",
    "ray_devmind_feature_drift_psi": "too few builds were watched",
    "ray_devmind_outcome_drift_psi": "as above",
}
"""Metrics that start with their first event, which this test does not bring about."""


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
    }
    with served(place.home, environment=environment) as url:
        yield url


@pytest.fixture(name="prometheus", scope="module")
def _prometheus(url, tmp_path_factory):
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("Prometheus is not installed: install Debian's package `prometheus`")
    targets = [f"{n['NodeManagerAddress']}:{n['MetricsExportPort']}" for n in ray.nodes()]
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
    live -= {"devmind:http_errors:increase1h"}
    until(lambda: traffic(url) and live <= prometheus.names(), "recorded")
    until(lambda: all(rule["health"] == "ok" for rule in prometheus.rules()), "evaluated")

    assert [rule["lastError"] for rule in prometheus.rules() if rule.get("lastError")] == []
    assert float(prometheus.query("devmind:http_requests:rate5m")[0]["value"][1]) > 0
    assert float(prometheus.query("devmind:http_errors:ratio_rate5m")[0]["value"][1]) == 0
    assert {one["metric"]["job"] for one in prometheus.query("up")} == {"devmind-ray-head"}
    settled = {"DevMindOperatorDown"}  # there is none here
    until(lambda: prometheus.firing() == settled, "calm")


def waits(expression):
    return metric_names(expression) & set(NOT_YET)


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
    Every name in rules and in our dashboards is scraped from the service or explained here, and
    what is said to come from elsewhere, or with an event, does.
    """
    traffic(url)
    texts = [rule["expr"] for rule in rules()]
    texts += [query.text for path in OURS for query in queries(path)]
    read = {name for text in texts for name in metric_names(text) if ":" not in name}
    explained = {*ELSEWHERE, *NOT_YET}
    with suppress(pytest.fail.Exception):  # the assertion says which are missing
        until(lambda: read - explained <= prometheus.names(), "scraped")
    assert read - explained - prometheus.names() == set()
    assert explained - read == set()
    assert {*ELSEWHERE, *NOT_YET} & prometheus.names() == set()


def traffic(url):
    """A build with its tests and its end, and a question about it; returns true."""
    build, events = queued(30), happened(30)
    with Client(url) as client:
        receipt = client.record_build(build)
        client.record_tests(receipt.build_id, events[1].report)
        client.record_finish(receipt.build_id, events[2].outcome)
    assess(url)
    return True
