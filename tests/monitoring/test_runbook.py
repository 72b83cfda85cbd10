"""What the runbook sends somebody to look for is there."""

import re

import pytest
import yaml

from tests.monitoring.files import ROOT, metric_names, rules
from tests.monitoring.names import read

TEXT = (ROOT / "docs" / "runbook.md").read_text()
CODE = ("deployments", "devmind", "history", "models", "training")
PROSE = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)
EVENTS = re.findall(r"log lines? `([^`]+)`", PROSE) + re.findall(r'the log for `"([^"]+)"`', PROSE)
SPANS = re.findall(r"`([^`]+)`", PROSE)
QUERIES = [span for span in SPANS if re.search(r"ray_\w+|devmind:\w+", span)]


@pytest.mark.parametrize("event", sorted(set(EVENTS)))
def test_a_log_line_is_written(event):
    """
    Each line that somebody is told to look for in the log is written by code, under that name.
    """
    files = [path for folder in CODE for path in (ROOT / folder).rglob("*.py")]

    assert len(EVENTS) >= 5
    assert [path for path in files if f'"{event}"' in path.read_text()]


def test_containers_have_the_names_they_are_asked_by():
    """
    `kubectl logs` names containers that the service's pods have.
    """
    service = yaml.safe_load((ROOT / "kuberay" / "rayservice" / "rayservice.yaml").read_text())
    cluster = service["spec"]["rayClusterConfig"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    there = {one["name"] for g in groups for one in g["template"]["spec"]["containers"]}

    assert set(re.findall(r" -c ([\w-]+)", TEXT)) == there


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_reads_what_rules_read(query):
    """
    Each query can be read, and asks for metrics that rules, which are tested, ask for.
    """
    known = set(read()) | {rule["record"] for rule in rules() if "record" in rule}

    assert metric_names(query) <= known
