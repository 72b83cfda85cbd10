"""Alerts fire when they should, and only then; Prometheus' own tool says so."""

import re
import shutil
import subprocess

import promql_parser
import pytest
import yaml

from tests.monitoring.files import MONITORING, ROOT, RULES, alerts, plain, rules

SEVERITIES = {"critical", "warning", "info"}


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


def test_probes_and_callers_mistakes_are_no_failures():
    """
    What availability is computed from leaves out probes, and counts 5xx alone.
    """
    counted = [rule["expr"] for rule in rules() if "num_http_requests" in rule["expr"]]

    assert counted
    for expression in counted:
        assert promql_parser.parse(expression)
        for selector in re.findall(r"ray_serve_num_http_requests_total\{(.*?)\}", expression):
            assert 'application="devmind"' in selector
            assert 'route!~"/health|/ready|/metrics"' in selector
            assert "status_code" not in selector or 'status_code=~"5.."' in selector


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
