"""Alerts fire when they should, and only then; Prometheus' own tool says so."""

import re
import shutil
import subprocess

import pytest
import yaml

from deployments.coalescing import Limits
from deployments.remote import SELECTIONS
from tests.monitoring.files import (
    MONITORING,
    OURS,
    ROOT,
    RULES,
    alerts,
    metric_labels,
    plain,
    queries,
    rules,
)

SEVERITIES = {"critical", "warning", "info"}
REQUESTS, RECORDED = "ray_serve_num_http_requests_total", "devmind:http_requests:increase"
PROBES = 'route!~"/health|/ready|/metrics"'


@pytest.fixture(name="promtool", scope="module")
def _promtool():
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed: install Debian's package `prometheus`")
    return found


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should(promtool, path, tmp_path):
    """
    The unit tests of a file pass: each alert stays silent, and then fires, in what it says
    as well.
    """
    plain(path, tmp_path / path.name)
    tests = tmp_path / f"tests-{path.name}"
    shutil.copy(MONITORING / "rules-tests" / path.name, tests)

    checked = run(promtool, "check", "rules", tmp_path / path.name)
    tested = run(promtool, "test", "rules", tests)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_every_alert_is_tested_both_ways():
    """
    For each alert there is a moment at which it must fire and one at which it must not.
    """
    fires, silent = set(), set()
    for path in (MONITORING / "rules-tests").glob("*.yaml"):
        for test in yaml.safe_load(path.read_text())["tests"]:
            for case in test["alert_rule_test"]:
                (fires if case["exp_alerts"] else silent).add(case["alertname"])

    assert fires == silent == {alert["alert"] for alert in alerts()}


def test_every_alert_has_a_section_in_the_runbook():
    """
    An alert's link leads to a section of its own, and no section is about nothing.
    """
    text = (ROOT / "docs" / "runbook.md").read_text()
    sections = re.findall(r"(?m)^### (\w+)$", text)
    page = "/blob/main/docs/runbook.md#"
    links = {alert["annotations"]["runbook_url"].partition(page)[2] for alert in alerts()}

    assert sorted(sections) == sorted(alert["alert"] for alert in alerts())
    assert links == {section.lower() for section in sections}
    assert set(re.findall(r"\(#(\w+)\)", text)) <= links


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_says_what_is_the_matter(alert):
    """
    Each alert has a known severity, a sentence on what it means and a link of its own.
    """
    assert alert["labels"]["severity"] in SEVERITIES
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert alert["annotations"]["runbook_url"].endswith("#" + alert["alert"].lower())
    assert alert["annotations"]["description"].endswith(".")


def test_no_two_rules_have_one_name():
    """
    Names of alerts and of recorded series are unique.
    """
    names = [rule.get("alert") or rule["record"] for rule in rules()]

    assert len(names) == len(set(names))


def test_probes_are_no_requests():
    """
    HAProxy's and Kubernetes' checks are counted nowhere: what is counted leaves out /-/..., what is
    computed of that leaves out the other probes, too.
    """
    texts = [rule["expr"] for rule in rules()] + [query.text for p in OURS for query in queries(p)]
    counted = [one for text in texts for one in re.findall(rf"{REQUESTS}\{{(.*?)\}}", text)]
    computed = [one for text in texts for one in re.findall(rf"{RECORDED}\w+\{{(.*?)\}}", text)]
    probed = [one for one in computed if PROBES not in one]

    assert counted
    assert set(counted) == {'application="devmind",route!~"/-/.*"'}
    assert len(computed) > len(probed) > 0
    assert set(probed) == {'status_code=~"5.."'}, "of HAProxy's count that of every route is taken"


def test_failures_are_those_of_the_service():
    """
    A failure is a 5xx or a 408; a success has no code of 4xx; callers' mistakes are neither, so
    that they do not hide failures.
    """
    ratios = [rule for rule in rules() if ":ratio_rate" in rule.get("record", "")]
    failures = [rule for rule in rules() if "http_failures" in rule.get("record", "")]

    assert len(ratios) == len(failures) == 4
    for rule in failures:
        assert re.findall(r'status_code=~"(.*?)"', rule["expr"]) == ["5..|408"]
    for rule in ratios:
        assert re.findall(r'status_code=~"(.*?)"', rule["expr"]) == ["[123].."]
        assert not re.search(r"http_requests:increase\w+(?!\w*\{)[^\w{]", rule["expr"])


def test_first_events_count_and_a_failed_scrape_does_not():
    """
    Where a rule or a dashboard looks what a counter has grown by, its first event counts; whether
    it is new is looked up over an hour, not at one moment.
    """
    texts = [rule["expr"] for rule in rules()] + [query.text for p in OURS for query in queries(p)]
    grown = [text for text in texts if re.search(r"\bincrease\(", text)]

    assert grown
    for text in grown:
        for name in set(re.findall(r"\bincrease\((\w+)", text)):
            since = rf"{name}(\{{[^}}]*\}})?\s+unless last_over_time\({name}"
            assert re.search(since, text), text
        assert not re.search(r"unless \w+(\{[^}]*\})? offset", text), text


def test_alerts_on_queues_know_their_limits():
    """
    Who asks too much is told at three quarters of what is refused.
    """
    texts = {alert["alert"]: alert["expr"] for alert in alerts()}
    questions = [int(n) for n in re.findall(r"> (\d+)", texts["DevMindQuestionsWait"])]
    said = yaml.safe_load((ROOT / "serve_config.yaml").read_text())["applications"][0]
    (ingress,) = [one for one in said["deployments"] if one["name"] == "ingress"]

    assert questions == [Limits().waiting * 3 // 4, SELECTIONS.waiting * 3 // 4]
    assert texts["DevMindRequestsQueue"].endswith(f"> {ingress['max_ongoing_requests'] * 3 // 4}\n")


def test_panels_tell_clusters_apart():
    """
    What each Ray cluster says for itself is shown of those that are chosen.
    """
    own = re.compile(r"(ray_(?!devmind)|haproxy_|devmind:(http|uncounted|gcs)).+")
    panels = [query for path in OURS for query in queries(path) if "$" not in query.where]
    found = [(q, n, ls) for q in panels for n, ls in metric_labels(q.text).items() if own.match(n)]

    assert found
    for query, name, labels in found:
        assert "ray_io_cluster" in labels or name == "ray_node_mem_total", query


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
