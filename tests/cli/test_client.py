import time
from datetime import UTC, datetime

import pytest

from devmind import errors
from devmind.ci import BuildOutcome, BuildStatus, QueuedBuild, TestReport, TestRun, Verdict
from devmind.client import Client, Problem, Question, Target, TestQuestion
from devmind.events import Finished, Queued
from tests.cli.service import DURATION, HANG_UP, Reply, problem, selection

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
BUILD = QueuedBuild(project="shop/web", pipeline="ci.yml", external_id="7", queued_at=NOW)
RECEIPT = {"build_id": BUILD.build_id, "sequence": 1, "repeated": False}
PREDICT = "/api/v1/build-optimizer/predict"


@pytest.fixture
def waits():
    return []


@pytest.fixture
def client(service, waits):
    with Client(service.url, "secret", 5.0, sleep=waits.append) as client:
        yield client


@pytest.mark.parametrize(
    ("status", "name", "kind"),
    [
        (422, "invalid-input", errors.InvalidInput),
        (413, "too-large", errors.TooLarge),
        (401, "not-authenticated", errors.NotAuthenticated),
        (403, "not-allowed", errors.NotAllowed),
        (404, "not-found", errors.NotFound),
        (409, "contradicting-repeat", errors.ContradictingRepeat),
        (409, "already-running", errors.AlreadyRunning),
        (409, "promotion-refused", errors.PromotionRefused),
        (409, "not-enough-history", errors.NotEnoughHistory),
        (503, "model-unavailable", errors.ModelUnavailable),
        (503, "history-unavailable", errors.HistoryUnavailable),
        (503, "overloaded", errors.Overloaded),
        (500, "dev-mind-error", errors.DevMindError),
        (409, "a-name-of-a-newer-service", errors.ContradictingRepeat),
        (418, "a-name-of-a-newer-service", errors.DevMindError),
    ],
)
def test_every_problem_becomes_its_error(service, client, status, name, kind):
    """
    A problem is raised as the class that the service named, in the service's own words.
    """
    service.answers("POST", PREDICT, problem(status, name, "These are the words."))

    with pytest.raises(kind) as raised:
        client.predict_duration(Question(project="shop/web"))

    assert str(raised.value) == "These are the words."
    assert raised.value.problem.request_id == "r1"


def test_wrong_fields_are_shown():
    """
    Fields that the detail does not name are listed, a few of them, with what was sent.
    """
    fields = [{"field": f"f{n}", "value": str(n), "advice": "Leave it out."} for n in range(5)]
    text = str(Problem.read(422, {"detail": "Five things are wrong.", "errors": fields}))

    assert text.splitlines()[1] == "  f0: Leave it out. (got '0')"
    assert text.endswith("and 2 more")


@pytest.mark.parametrize(
    "first", [HANG_UP, problem(503, "overloaded"), Reply("x", 502), Reply("x", 500)]
)
def test_recording_survives_a_hiccup(service, client, waits, first):
    """
    A call that may be repeated is sent once more after a lost connection or a passing error.
    """
    service.answers("POST", "/api/v1/builds", first, Reply(RECEIPT, 201))

    assert client.record_build(BUILD).sequence == 1
    assert waits == [0.5]
    assert len(service.requests) == 2


def test_waits_as_long_as_it_is_told(service, client, waits):
    """
    `Retry-After` says how long to wait before the second try.
    """
    busy = problem(503, "overloaded")
    busy.headers["Retry-After"] = "3"
    service.answers("POST", PREDICT, busy, DURATION)

    assert client.predict_duration(Question(project="shop/web")).p50_s == 90
    assert waits == [3.0]


def test_does_not_wait_for_ever(service, client, waits):
    """
    A `Retry-After` of minutes is an error now, not a build that hangs.
    """
    busy = problem(503, "overloaded", "Too many.")
    busy.headers["Retry-After"] = "600"
    service.answers("POST", PREDICT, busy)

    with pytest.raises(errors.Overloaded, match="Too many"):
        client.predict_duration(Question(project="shop/web"))
    assert waits == []


def test_no_wait_is_longer_than_the_timeout(service, waits):
    """
    A `Retry-After` that would take longer than an answer may is not waited for.
    """
    busy = problem(503, "overloaded", "Too many.")
    busy.headers["Retry-After"] = "3"
    service.answers("POST", PREDICT, busy)

    client = Client(service.url, timeout_s=2.0, sleep=waits.append)
    with client, pytest.raises(errors.Overloaded, match="Too many"):
        client.predict_duration(Question(project="shop/web"))
    assert waits == []


def test_a_call_as_a_whole_has_an_end(service):
    """
    Tries and waits together take twice the timeout at most.
    """
    service.answers("POST", PREDICT, HANG_UP)
    began = time.monotonic()

    client = Client(service.url, timeout_s=0.2, sleep=lambda _: time.sleep(30))
    with client, pytest.raises(errors.ServiceUnreachable, match="it took too long"):
        client.predict_duration(Question(project="shop/web"))
    assert time.monotonic() - began < 15


def test_retraining_is_asked_for_once(service, client):
    """
    A call that starts something is never sent twice.
    """
    service.answers("POST", "/models/retrain/build-optimizer", problem(503, "overloaded"))

    with pytest.raises(errors.Overloaded):
        client.retrain("build-optimizer")
    assert len(service.requests) == 1


def test_no_service(waits):
    """
    Without a service the error names its address and how to look for it.
    """
    with Client("http://127.0.0.1:9", sleep=waits.append) as client:  # noqa: SIM117 two things
        with pytest.raises(errors.ServiceUnreachable, match=r"127\.0\.0\.1:9.*devmind status"):
            client.projects()


def test_an_address_that_is_none():
    """
    A wrong address is named before anything is sent.
    """
    with pytest.raises(errors.InvalidInput, match="localhost:8000"):
        Client("localhost:8000")


@pytest.mark.parametrize("reply", [Reply("<html>Bad Gateway</html>", 404), Reply("hello", 200)])
def test_something_else_answers(service, client, reply):
    """
    An answer that is not DevMind's says so, and is no traceback.
    """
    service.answers("POST", PREDICT, reply)

    with pytest.raises(errors.ServiceUnreachable):
        client.predict_duration(Question(project="shop/web"))


def test_key_and_name_go_along(service, client):
    """
    The key is sent as `X-API-Key`, the program's name and version as the user agent.
    """
    service.answers("GET", "/api/v1/projects", {"projects": [{"project": "a/b", "builds": 3}]})

    assert client.projects()[0].builds == 3
    assert service.requests[0].headers["x-api-key"] == "secret"
    assert service.requests[0].headers["user-agent"].startswith("devmind/")


def test_large_reports_are_compressed(service, client):
    """
    A large report is sent as gzip and arrives whole; a small one as it is.
    """
    path = f"/api/v1/builds/{BUILD.build_id}/tests"
    service.answers("POST", path, Reply(RECEIPT | {"tests": 1, "failed": 0, "skipped": 0}, 201))
    runs = tuple(TestRun(name=f"test_{n}", verdict=Verdict.PASSED) for n in range(2000))

    client.record_tests(BUILD.build_id, TestReport(runs=runs, name="linux x64"))
    client.record_tests(BUILD.build_id, TestReport(runs=runs[:1]))

    large, small = service.requests
    assert large.headers["content-encoding"] == "gzip"
    assert len(large.json["runs"]) == 2000
    assert large.query == {"name": ["linux x64"]}
    assert "content-encoding" not in small.headers


def test_events_of_a_project_with_slashes(service, client):
    """
    A project's name goes into the path with its slashes, everything else in it escaped.
    """
    receipt = {"recorded": 2, "repeated": 0, "last_sequence": 2}
    service.answers("POST", "/api/v1/projects/team/shop #1?/events", receipt)
    outcome = BuildOutcome(status=BuildStatus.PASSED, finished_at=NOW)
    events = [Queued(build=BUILD), Finished(build_id=BUILD.build_id, outcome=outcome)]

    assert client.record_events("team/shop #1?", events).recorded == 2
    assert "/team/shop%20%231%3F/events" in service.requests[0].raw_path
    assert [event["kind"] for event in service.requests[0].json["events"]] == ["queued", "finished"]


def test_a_question_sends_what_is_known(service, client):
    """
    Empty fields are left out, so that the history answers for them.
    """
    service.answers("POST", PREDICT, DURATION)

    client.predict_duration(Question(project="shop/web", build_id="b"))

    assert service.requests[0].json == {"project_name": "shop/web", "build_id": "b"}


def test_a_test_question_has_its_target(service, client):
    """
    What is required is always there: commit, changed files and target.
    """
    path = "/api/v1/test-intelligence/select"
    service.answers("POST", path, selection(["a"], ["b"], a_field_of_a_newer_service=1))
    target = Target(kind="seconds", value=60)

    answer = client.select_tests(TestQuestion(question=Question(project="p"), target=target))

    assert answer.selected_tests == ("a",)
    assert answer.as_json()["a_field_of_a_newer_service"] == 1
    assert service.requests[0].json == {
        "project_name": "p",
        "commit_hash": "",
        "changed_files": [],
        "target": {"seconds": 60},
    }


@pytest.mark.parametrize(
    ("reply", "reasons"),
    [
        (Reply({"status": "ready"}), ()),
        (Reply({"reasons": ["no model"]}, 503), ("no model",)),
        (Reply({"reasons": {"history": "away"}}, 503), ("history: away",)),
        (problem(503, "model-unavailable", "No model is loaded."), ("No model is loaded.",)),
        (Reply("not json", 503), ("status 503",)),
    ],
)
def test_readiness_is_no_error(service, client, reply, reasons):
    """
    A service that is not ready says why, and is asked once.
    """
    service.answers("GET", "/ready", reply)

    readiness = client.readiness()

    assert readiness.reasons == reasons
    assert readiness.ready == (reply.status == 200)
    assert len(service.requests) == 1
