"""The HTTP API beyond recording: questions, models, operations, documentation, errors."""

import json
from hashlib import sha256

import pytest

from deployments.answers import Readiness
from deployments.auth import Keys
from deployments.errors import KINDS
from deployments.http import examples
from deployments.training_jobs import Wanted
from devmind.errors import (
    AccessRefused,
    AlreadyRunning,
    ContradictingRepeat,
    CorruptBundle,
    DevMindError,
    FeatureSchemaMismatch,
    FolderUnwritable,
    HistorySchemaMismatch,
    HistoryUnavailable,
    InvalidInput,
    JobEnded,
    ModelUnavailable,
    NoSpace,
    NotAllowed,
    NotAuthenticated,
    NotDue,
    NotEnoughHistory,
    NotFound,
    NothingToEvaluate,
    Overloaded,
    PromotionRefused,
    ServiceUnreachable,
    TooLarge,
    UnlearnableHistory,
    UnusableSnapshot,
)
from models.selection import Budget, Confidence, MissRate
from tests.deployments.fakes import Condition, Lifecycle, Predictions, ask, make_app

SHAPE = {"type", "title", "status", "detail", "request_id"}
DURATION = "/api/v1/build-optimizer/predict"
QUESTIONS = {
    DURATION: examples.DURATION,
    "/api/v1/build-optimizer/remaining": examples.REMAINING,
    "/api/v1/build-optimizer/optimize": examples.OPTIMIZE,
    "/api/v1/failure-predictor/predict": examples.FAILURE,
    "/api/v1/test-intelligence/select": examples.SELECT,
    "/api/v1/assess": examples.ASSESS,
}


@pytest.mark.parametrize(("path", "body"), QUESTIONS.items(), ids=QUESTIONS)
def test_every_example_of_a_question_is_answered(path, body):
    """
    What the documentation shows is accepted, and every answer says version and sequence.
    """
    answered = ask(make_app(Keys()), "POST", path, json=body)

    assert answered.status_code == 200
    part = answered.json().get("duration", answered.json())
    assert (part["model_version"], part["as_of"]) == ("3", 7)


def test_not_a_number_becomes_null():
    """
    JSON has no NaN, so answers have none either.
    """
    assert ask(make_app(Keys()), "POST", DURATION, json=examples.DURATION).json()["p90_s"] is None


def test_everything_a_caller_says_reaches_the_question():
    """
    Plain paths and files with lines, totals, times and targets arrive as they were sent.
    """
    predictions = Predictions()
    body = {
        **examples.ASSESS,
        "queued_at": "2026-03-02T13:00:00+01:00",
        "code_changes": {"files_modified": 2},
        "historical_build_times": [60, 70.5],
        "historical_metrics": {"builds": 10, "failure_rate": 0.3},
        "target": {"seconds": 90},
        "must_run": ["smoke*"],
        "all_tests": ["a"],
    }
    ask(make_app(Keys(), predictions=predictions), "POST", "/api/v1/assess", json=body)
    asked = predictions.asked

    assert [f.path for f in asked.duration.about.files] == ["src/cart.py", "uv.lock"]
    assert asked.duration.about.files[1].lines_added == 40
    assert asked.failure.about.queued_at.isoformat() == "2026-03-02T12:00:00+00:00"
    assert asked.failure.about.totals.files_modified == 2
    assert asked.duration.known_durations_s == (60.0, 70.5)
    assert (asked.failure.known_builds, asked.failure.known_failure_rate) == (10, 0.3)
    assert (Budget(seconds=90.0), ("smoke*",), ("a",)) == (
        asked.tests.target,
        asked.tests.must_run,
        asked.tests.tests,
    )


def test_a_selection_aims_at_95_percent_unless_told_otherwise():
    """
    Without a target the expected recall is to be 95 %.
    """
    predictions = Predictions()
    body = {"project_name": "shop", "commit_hash": "c", "changed_files": []}
    path = "/api/v1/test-intelligence/select"
    ask(make_app(Keys(), predictions=predictions), "POST", path, json=body)

    assert Confidence(recall=0.95) == predictions.asked.target


def test_a_miss_rate_is_asked_for_and_answered():
    """
    A stated miss rate reaches the model, and the realised one the caller.
    """
    predictions = Predictions()
    path = "/api/v1/test-intelligence/select"
    app = make_app(Keys(), predictions=predictions)
    answer = ask(app, "POST", path, json=examples.SELECT_BY_MISS_RATE)

    assert MissRate(rate=0.05) == predictions.asked.target
    assert answer.json()["expected_miss_rate"] == 0.03
    assert answer.json()["failing_builds"] == 160


WRONG = {
    "no project": (DURATION, {}, "project_name"),
    "unknown field": (DURATION, {"project_name": "a", "colour": 1}, "colour"),
    "no pipeline": ("/api/v1/failure-predictor/predict", {}, "pipeline_id"),
    "long path": (
        DURATION,
        {"project_name": "a", "changed_files": ["x" * 10_000]},
        "changed_files.0",
    ),
    "negative time": (
        "/api/v1/build-optimizer/optimize",
        {"project_name": "a", "historical_build_times": [-1]},
        "historical_build_times.0",
    ),
    "negative elapsed time": (
        "/api/v1/build-optimizer/remaining",
        {"project_name": "a", "elapsed_s": -1},
        "elapsed_s",
    ),
    "unknown status of a job": (
        "/api/v1/build-optimizer/remaining",
        {"project_name": "a", "elapsed_s": 1, "jobs": [{"name": "x", "status": "odd"}]},
        "jobs.0.status",
    ),
    "two targets": (
        "/api/v1/test-intelligence/select",
        {**examples.SELECT, "target": {"confidence": 0.9, "seconds": 3}},
        "target",
    ),
    "certain miss": (
        "/api/v1/test-intelligence/select",
        {**examples.SELECT, "target": {"miss_rate": 1.0}},
        "target.miss_rate",
    ),
    "no target": ("/api/v1/test-intelligence/select", {**examples.SELECT, "target": {}}, "target"),
    "certain": (
        "/api/v1/test-intelligence/select",
        {**examples.SELECT, "target": {"confidence": 1.01}},
        "target.confidence",
    ),
    "rate over one": (
        "/api/v1/failure-predictor/predict",
        {"pipeline_id": "a", "historical_metrics": {"builds": 1, "failure_rate": 2}},
        "historical_metrics.failure_rate",
    ),
    "time without zone": (
        DURATION,
        {"project_name": "a", "queued_at": "2026-03-02T12:00:00"},
        "queued_at",
    ),
    "version that is no number": ("/models/build-optimizer/promote", {"version": "x"}, "version"),
}


@pytest.mark.parametrize(("path", "body", "field"), WRONG.values(), ids=WRONG)
def test_a_wrong_question_names_its_field(path, body, field):
    """
    Each wrong field is named with what was sent and what to do.
    """
    refused = ask(make_app(Keys()), "POST", path, json=body)
    wrong = refused.json()["errors"]

    assert refused.status_code == 422
    assert wrong[0]["field"].startswith(field)
    assert wrong[0]["advice"]
    assert len(wrong[0]["value"]) < 200


ERRORS = {
    InvalidInput: (InvalidInput("field", "value", "advice"), 422),
    TooLarge: (TooLarge("body", 2, 1), 413),
    NotAuthenticated: (NotAuthenticated(), 401),
    AccessRefused: (AccessRefused("the token has expired"), 401),
    NotAllowed: (NotAllowed("admin"), 403),
    NotFound: (NotFound("build", "x"), 404),
    ContradictingRepeat: (ContradictingRepeat("queued", "x", 1), 409),
    AlreadyRunning: (AlreadyRunning("build_optimizer", "job-1"), 409),
    NotDue: (NotDue("build_optimizer", "job-1", "2026-01-01", 24.0), 409),
    JobEnded: (JobEnded("job-1", "failed"), 409),
    FolderUnwritable: (FolderUnwritable("var/examples", "full", "advice"), 507),
    NoSpace: (NoSpace("var/training", "to train in"), 507),
    PromotionRefused: (PromotionRefused("m", "2", ("worse",)), 409),
    FeatureSchemaMismatch: (FeatureSchemaMismatch("b", ("x",), ()), 409),
    CorruptBundle: (CorruptBundle("b", "altered"), 409),
    NothingToEvaluate: (NothingToEvaluate(("too few builds",)), 409),
    NotEnoughHistory: (NotEnoughHistory("builds", 1, 100), 409),
    UnlearnableHistory: (UnlearnableHistory("m", "one class"), 409),
    ModelUnavailable: (ModelUnavailable("m", "none"), 503),
    HistoryUnavailable: (HistoryUnavailable("away"), 503),
    HistorySchemaMismatch: (HistorySchemaMismatch("1", "2"), 503),
    ServiceUnreachable: (ServiceUnreachable("x", "away"), 503),
    Overloaded: (Overloaded(7), 503),
}


@pytest.mark.parametrize(("error", "status"), ERRORS.values(), ids=[e.__name__ for e in ERRORS])
def test_every_error_has_one_status_and_one_shape(error, status):
    """
    Whatever a deployment raises on purpose leaves as problem+json with the error's own words.
    """
    app = make_app(Keys(), predictions=Predictions(error))
    sent = {"x-request-id": "my-request_1"}
    answered = ask(app, "POST", DURATION, json=examples.DURATION, headers=sent)
    body = answered.json()

    assert (status, status) == (answered.status_code, body["status"])
    assert answered.headers["content-type"] == "application/problem+json"
    assert SHAPE <= set(body) <= SHAPE | {"errors", "reasons"}
    assert str(error) == body["detail"]
    assert "my-request_1" == body["request_id"] == answered.headers["x-request-id"]
    assert (status == 503) == ("retry-after" in answered.headers)


def test_the_table_of_errors_is_complete():
    """
    Every class of error that can leave the service has a status of its own.
    """
    internal = {UnusableSnapshot}
    known = {c for c in DevMindError.__subclasses__() if c.__module__ == "devmind.errors"}

    assert known - internal <= set(KINDS)
    assert set(ERRORS) == set(KINDS)


def test_an_error_nobody_meant_reveals_nothing():
    """
    A bug answers 500 in the same shape, without its text.
    """
    app = make_app(Keys(), predictions=Predictions(RuntimeError("secret /etc/key")))
    answered = ask(app, "POST", DURATION, json=examples.DURATION)

    assert answered.status_code == 500
    assert set(answered.json()) == SHAPE
    assert "secret" not in answered.text
    assert answered.headers["x-request-id"] == answered.json()["request_id"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("DELETE", "/api/v1/builds", 405), ("GET", DURATION, 405)],
)
def test_unknown_routes_and_methods_have_the_same_shape(method, path, status):
    """
    What is not there is a problem like any other.
    """
    answered = ask(make_app(Keys()), method, path)

    assert (status, SHAPE) == (answered.status_code, set(answered.json()))
    assert (status == 405) == ("allow" in answered.headers)


@pytest.mark.parametrize("sent", ["a\u00e9<script>", "x" * 500, " ", ""])
def test_a_strange_request_id_is_made_harmless(sent):
    """
    Whatever is sent as an id comes back short and plain, or replaced.
    """
    headers = {"x-request-id": sent.encode()}
    back = ask(make_app(Keys()), "GET", "/health", headers=headers).headers["x-request-id"]

    assert 0 < len(back) <= 128
    assert back.isascii()
    assert "<" not in back


def test_readiness_says_what_is_missing():
    """
    503 with every reason until all parts are ready; liveness does not care.
    """
    parts = {
        "history": Readiness(ready=True),
        "build-optimizer": Readiness(ready=False, reason="no version has been promoted"),
    }
    app = make_app(Keys(), condition=Condition(parts))
    unready = ask(app, "GET", "/ready")

    assert (unready.status_code, unready.headers["retry-after"]) == (503, "5")
    assert unready.json()["detail"] == "build-optimizer: no version has been promoted"
    assert ask(app, "GET", "/health").status_code == 200
    assert ask(make_app(Keys()), "GET", "/ready").json()["ready"]


def test_models_are_looked_after():
    """
    Status, jobs, retraining, cancelling, promotion and rollback pass on what was said, and who
    said it.
    """
    lifecycle = Lifecycle()
    admin = {"x-api-key": "k"}
    keys = Keys.parse(f"ops:admin:{sha256(b'k').hexdigest()}")
    app = make_app(keys, lifecycle=lifecycle)

    def post(path, **body):
        return ask(app, "POST", path, headers=admin, json=body)

    wanted = {"promote_if_better": False, "search_minutes": 5, "shadow_builds": 40}
    retrained = post("/models/retrain/build-optimizer", **wanted)
    post("/models/jobs/job-1/cancel")
    written = ask(app, "GET", "/models/jobs/job-1/logs?offset=7", headers=admin)
    post("/models/build-optimizer/promote", version="3", force=True)
    back = post("/models/build-optimizer/rollback")
    found = ask(app, "GET", "/models/jobs/job-1", headers=admin)

    assert (retrained.status_code, retrained.json()["job_id"]) == (202, "job-1")
    assert back.json() == {"model": "build-optimizer", "version": "2"}
    assert found.json()["state"] == "queued"
    assert (written.json()["offset"], written.json()["next_offset"]) == (7, 10)
    assert ask(app, "GET", "/models/jobs/x", headers=admin).status_code == 404
    assert lifecycle.calls == [
        ("retrain", "build-optimizer", Wanted(**wanted)),
        ("cancel", "job-1", "ops"),
        ("promote", "build-optimizer", "3", True, "ops"),
        ("rollback", "build-optimizer", "ops"),
    ]


def test_the_front_page_leads_everywhere():
    """
    / names the service, its version and environment, and links that work.
    """
    app = make_app(Keys())
    front = ask(app, "GET", "/").json()

    assert (front["version"], front["environment"]) == ("1.2.3", "development")
    assert {200} == {ask(app, "GET", link).status_code for link in front["links"].values()}


def test_the_documentation_is_whole():
    """
    Every reference in the OpenAPI document leads somewhere and every route has summary and words.
    """
    document = ask(make_app(Keys()), "GET", "/openapi.json").json()
    schemas = document["components"]["schemas"]
    text = json.dumps(document)
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}

    assert named <= set(schemas)
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            assert operation["summary"], path
            assert operation["description"], path
            assert ("requestBody" in operation) == (
                verb == "post" and not path.endswith(("rollback", "cancel"))
            ), path


def test_the_page_loads_nothing_from_elsewhere():
    """
    /docs shows every route and refers to nothing outside the service.
    """
    page = ask(make_app(Keys()), "GET", "/docs").text

    assert "/api/v1/test-intelligence/select" in page
    assert "fix/cart-total" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page
