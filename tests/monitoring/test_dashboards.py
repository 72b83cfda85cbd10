"""Dashboards are what the code makes, and every expression in them can be read."""

import json
import re

import pytest

from scripts.dashboards.__main__ import generated
from tests.monitoring.files import DASHBOARDS, OURS, alerts, metric_names, queries, rules
from tests.monitoring.names import RAYS_ABSENT, read_by_rays_dashboards


def test_the_files_are_what_the_code_makes():
    """
    The committed dashboards are those that the generator and the pinned Ray make today.
    """
    made = dict(generated())

    assert {
        path.name: path.read_text() for path in DASHBOARDS
    } == made, "run `python -m scripts.dashboards` and commit what it writes"


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_expression_can_be_read(path):
    """
    With its variables filled in, each expression parses, and reads a metric unless it is a line.
    """
    found = queries(path)

    assert found
    aimless = [query for query in found if not metric_names(query.text)]
    assert [query for query in aimless if not query.text.isdecimal()] == []


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_fits_into_a_config_map(path):
    """
    A file is well below the megabyte that Kubernetes allows, and has a name of its own.
    """
    assert len(path.read_bytes()) < 900_000
    uids = [json.loads(other.read_text())["uid"] for other in DASHBOARDS]
    assert len(uids) == len(set(uids))


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_panels_explain_themselves(path):
    """
    Each panel says what to look for, has a unit, overlaps no other and links to real sections.
    """
    sections = {alert["alert"].lower() for alert in alerts()}
    taken = set()
    for panel in json.loads(path.read_text())["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + i, place["y"] + j) for i in range(place["w"]) for j in range(place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
        if panel["type"] != "row":
            assert panel["description"].endswith(".")
            assert panel["fieldConfig"]["defaults"]["unit"]
            assert {link["url"].partition("#")[2] for link in panel["links"]} <= sections


def test_recorded_series_are_recorded():
    """
    What a dashboard or an alert reads as `devmind:...` is recorded by a rule.
    """
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    texts = [query.text for path in OURS for query in queries(path)]
    texts += [rule["expr"] for rule in rules()]
    read = {name for text in texts for name in metric_names(text) if ":" in name}

    assert read == recorded


def test_what_is_explained_is_read():
    """
    Each reason why a metric of Ray's dashboards does not appear is about one that they read.
    """
    names = read_by_rays_dashboards()

    assert all(any(re.fullmatch(one, name) for name in names) for one in RAYS_ABSENT)
