"""`devmind remaining`."""

import json

import pytest

from devmind.cli.running import parse_jobs
from devmind.errors import InvalidInput

ROUTE = "/api/v1/build-optimizer/remaining"
ANSWER = {
    "project_name": "shop",
    "p10_s": 30,
    "p50_s": 60,
    "p90_s": 120,
    "interval": 0.8,
    "expected_end_at": "2026-01-31T12:04:00Z",
    "share_done": 0.75,
    "waits_for": "test",
    "later_than_usual": True,
    "basis": "9 recent builds of ci.yml; 1 of 2 jobs done",
    "model_version": "3",
    "as_of": 7,
}


def test_a_running_build_is_asked_about(devmind, service, monkeypatch):
    """
    Times and jobs of the command line reach the service, and its answer the reader.
    """
    monkeypatch.setenv("DEVMIND_URL", service.url)
    service.answers("POST", ROUTE, ANSWER)
    jobs = ("--job", "lint=passed:41", "--job", "test (3.11)=running")
    ended = devmind("remaining", "--project", "shop", "--build", "b1", "--elapsed", "180", *jobs)

    assert ended.code == 0, ended.err
    for part in ("1 min", "75%", "waits for test", "later than usual", "9 recent builds"):
        assert part in ended.out
    assert service.asked(ROUTE)[0].json == {
        "project_name": "shop",
        "build_id": "b1",
        "elapsed_s": 180,
        "jobs": [
            {"name": "lint", "status": "passed", "duration_s": 41},
            {"name": "test (3.11)", "status": "running"},
        ],
    }


def test_json_is_what_the_service_said(devmind, service, monkeypatch):
    """
    With --json the answer is passed on as it came.
    """
    monkeypatch.setenv("DEVMIND_URL", service.url)
    service.answers("POST", ROUTE, ANSWER)
    when = ("--started-at", "2026-01-31T13:00:00+01:00")
    ended = devmind("remaining", "--project", "shop", "--build", "b1", *when, "--json")

    assert json.loads(ended.out) == ANSWER
    assert service.asked(ROUTE)[0].json["started_at"] == "2026-01-31T12:00:00+00:00"


@pytest.mark.parametrize(
    "word", ["lint", "lint=", "=passed", "lint=odd", "a=passed:x", "a=passed:"]
)
def test_a_job_that_cannot_be_read_is_refused(word):
    """
    What is neither NAME=STATUS nor NAME=STATUS:SECONDS is refused.
    """
    with pytest.raises(InvalidInput, match="NAME=STATUS"):
        list(parse_jobs([word]))
