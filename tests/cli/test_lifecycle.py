import hashlib
import json

import pytest

from devmind.cli import jobs, lifecycle
from tests.cli.service import Reply, problem

JOB = {"job_id": "j1", "model": "failure-predictor", "state": "queued", "detail": ""}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(jobs, "POLL_S", 0.01)


def test_training_is_started(service, devmind):
    """
    Without --wait the job's id comes back at once.
    """
    service.answers("POST", "/models/retrain/failure-predictor", Reply(JOB, 202))

    ended = devmind("train", "failure_predictor", "--promote-if-better")

    assert (ended.code, ended.out) == (0, "failure-predictor  job j1  queued\n")
    assert service.requests[0].json == {"promote_if_better": True}


def test_a_search_and_a_shadow_are_asked_for(service, devmind):
    """
    How long to search and for how many builds to shadow is passed on.
    """
    service.answers("POST", "/models/retrain/failure-predictor", Reply(JOB, 202))

    devmind("train", "failure-predictor", "--search", "30", "--shadow", "200")

    wanted = {"promote_if_better": False, "search_minutes": 30.0, "shadow_builds": 200}
    assert service.requests[0].json == wanted


def test_jobs_are_listed(service, devmind):
    """
    The list shows each job with its state and the reason of a failure; as JSON it is all there.
    """
    failed = JOB | {"job_id": "j0", "state": "failed", "detail": "Too few builds."}
    service.answers("GET", "/models/jobs", {"jobs": [JOB, failed]}, {"jobs": [JOB, failed]})

    shown = devmind("jobs").out
    listed = json.loads(devmind("jobs", "--json").out)

    assert "Too few builds." in shown
    assert [job["state"] for job in listed] == ["queued", "failed"]


def test_a_log_is_followed_to_the_end_of_the_job(service, devmind):
    """
    With --follow the pages come one after the other until the job is over; a failure is exit 1.
    """
    failed = JOB | {"state": "failed", "detail": "Too few builds."}
    page = {"job_id": "j1", "more": True}
    service.answers("GET", "/models/jobs/j1", JOB, JOB, failed, failed, failed)
    service.answers(
        "GET",
        "/models/jobs/j1/logs",
        page | {"text": "one\n", "offset": 0, "next_offset": 4},
        page | {"text": "", "offset": 4, "next_offset": 4},
        page | {"text": "two\n", "offset": 4, "next_offset": 8},
        page | {"text": "", "offset": 8, "next_offset": 8},
    )

    ended = devmind("jobs", "j1", "--logs", "--follow")

    assert (ended.code, ended.out) == (1, "one\ntwo\n")


@pytest.mark.parametrize(
    ("state", "code"), [("succeeded", 0), ("skipped", 0), ("failed", 1), ("cancelled", 1)]
)
def test_a_followed_job_ends_with_its_state(service, devmind, state, code):
    """
    Following ends in every state that is for good; too little history for a schedule is no failure.
    """
    service.answers("GET", "/models/jobs/j1", JOB, JOB | {"state": state})

    ended = devmind("jobs", "j1", "--follow")

    assert ended.code == code
    assert state in ended.out


def test_a_job_is_cancelled(service, devmind):
    """
    A cancelled job is shown as such; one that has ended is exit code 5.
    """
    path = "/models/jobs/j1/cancel"
    refusal = problem(409, "job-ended", "Training job j1 is succeeded; start a new one instead.")
    service.answers("POST", path, JOB | {"state": "cancelled"}, refusal)

    assert devmind("cancel", "j1").out == "failure-predictor  job j1  cancelled\n"
    assert devmind("cancel", "j1").code == 5


def test_following_needs_a_job(service, devmind):
    """
    --logs without a job is refused before anything is asked.
    """
    ended = devmind("jobs", "--logs")

    assert (ended.code, service.requests) == (3, [])


def test_training_is_followed(service, devmind):
    """
    With --wait it ends when the job does, and says what came of it.
    """
    running = JOB | {"state": "running", "progress": 0.5, "stage": "fitting"}
    done = JOB | {"state": "succeeded", "progress": 1.0, "detail": "version 4 promoted"}
    service.answers("POST", "/models/retrain/failure-predictor", Reply(JOB, 202))
    service.answers("GET", "/models/jobs/j1", running, done)

    ended = devmind("train", "failure-predictor", "--wait", "--json")

    assert ended.code == 0
    assert json.loads(ended.out) == [done]


def test_a_failed_training_is_no_success(service, devmind):
    """
    A job that fails ends the command with exit code 1 and the job's reason.
    """
    failed = JOB | {"state": "failed", "detail": "Too few builds."}
    service.answers("POST", "/models/retrain/failure-predictor", Reply(JOB, 202))
    service.answers("GET", "/models/jobs/j1", failed)

    ended = devmind("train", "failure-predictor", "--wait")

    assert ended.code == 1
    assert "Too few builds." in ended.out


def test_training_all(service, devmind):
    """
    `all` starts one job for each model.
    """
    for model in lifecycle.MODELS:
        service.answers("POST", f"/models/retrain/{model}", Reply(JOB | {"model": model}, 202))

    ended = devmind("train", "all", "--json")

    assert [job["model"] for job in json.loads(ended.out)] == list(lifecycle.MODELS)


def test_no_such_model(service, devmind):
    """
    A model that does not exist is refused before anything is asked.
    """
    ended = devmind("promote", "oracle", "1")

    assert (ended.code, service.requests) == (3, [])
    assert "test-intelligence" in ended.err


def test_promoting(service, devmind):
    """
    A promotion says which version is champion now; a refusal is exit code 5 with its reasons.
    """
    path = "/models/build-optimizer/promote"
    refusal = problem(409, "promotion-refused", "It is slower on 2 of 3 projects.")
    service.answers("POST", path, refusal, {"model": "build-optimizer", "version": "4"})

    refused = devmind("promote", "build-optimizer", "4")
    forced = devmind("promote", "build-optimizer", "4", "--force")

    assert (refused.code, refused.err) == (5, "devmind: It is slower on 2 of 3 projects.\n")
    assert forced.out == "build-optimizer: version 4 is champion\n"
    assert service.requests[1].json == {"version": "4", "force": True}


def test_rolling_back(service, devmind):
    """
    A rollback says which version is champion again.
    """
    answer = {"model": "build-optimizer", "version": "3"}
    service.answers("POST", "/models/build-optimizer/rollback", answer)

    assert devmind("rollback", "build-optimizer").out == (
        "build-optimizer: version 3 is champion again\n"
    )


def test_a_new_key(devmind):
    """
    The stored line is the name, the scopes and the SHA-256 of the key, never the key.
    """
    made = json.loads(devmind("key", "new", "ci", "--scope", "record", "--json").out)

    name, scopes, digest = made["line"].split(":")
    assert (name, scopes) == ("ci", "record")
    assert digest == hashlib.sha256(made["key"].encode()).hexdigest()
    assert made["key"] not in made["line"]
    assert made["key"] != json.loads(devmind("key", "new", "ci", "--json").out)["key"]


@pytest.mark.parametrize("arguments", [("a:b",), ("",), ("ci", "--scope", "root")])
def test_keys_that_cannot_be(devmind, arguments):
    """
    A name that would break the line, or an unknown scope, is refused.
    """
    assert devmind("key", "new", *arguments).code == 3
