"""`devmind model show`."""

import json

from tests.cli.service import Reply, problem

CARD = {
    "model": "failure_predictor",
    "trained_on": {"rows": 4000, "projects": ["shop"], "last_queued_at": "2026-03-02T12:00:00Z"},
    "measured_on": {"rows": 400},
    "metrics": {"auc": 0.8125, "f1": None},
    "baselines": {"previous_outcome": {"auc": 0.6}},
    "groups": [{"name": "branch_outcomes", "loss": 0.1}],
    "limits": ["It abstains in a project with fewer than 20 builds."],
}
PATH = "/models/failure-predictor/versions/champion/card"


def test_a_card_in_short(service, devmind):
    """
    Metrics stand beside simple rules, and limits are said in full.
    """
    service.answers("GET", PATH, CARD)

    ended = devmind("model", "show", "failure_predictor")

    assert ended.code == 0
    for shown in (
        "failure-predictor  champion",
        "0.8125",
        "previous_outcome",
        "0.6",
        "4,000 rows of 1 project until 2026-03-02",
        "branch outcomes",
        CARD["limits"][0],
    ):
        assert shown in ended.out


def test_a_card_for_machines_and_for_the_browser(service, devmind, tmp_path):
    """
    --json prints the card as it came; --html writes its page to the file.
    """
    service.answers("GET", PATH.replace("champion", "4"), CARD)
    page = Reply("<!DOCTYPE html>", 200, {"Content-Type": "text/html"})
    service.answers("GET", PATH.replace("champion", "4") + ".html", page)

    file = tmp_path / "card.html"
    ended = devmind("model", "show", "failure-predictor", "4", "--json", "--html", str(file))

    assert (ended.code, json.loads(ended.out)) == (0, CARD)
    assert file.read_text() == "<!DOCTYPE html>"


def test_a_file_that_cannot_be_written(service, devmind, tmp_path):
    """
    The folder that does not exist is named, as bad input.
    """
    service.answers("GET", PATH, CARD)
    service.answers("GET", PATH + ".html", Reply("page", 200))

    ended = devmind("model", "show", "failure-predictor", "--html", str(tmp_path / "no" / "x"))

    assert ended.code == 3
    assert "No such file" in ended.err


def test_no_such_version(service, devmind):
    """
    What the service says about an unknown version is what the user reads.
    """
    service.answers("GET", PATH, problem(404, "not-found", "No version failure-predictor/9."))

    ended = devmind("model", "show", "failure-predictor")

    assert ended.code != 0
    assert "No version failure-predictor/9." in ended.err
