"""The wiring, in one process and without a cluster: each edge of the graph once."""

import time

import pytest
from ray import serve

from deployments.app import MODEL_DEPLOYMENTS, AppArgs, assemble, build_app
from deployments.equipment import Equipment
from deployments.http import examples
from deployments.remote import Remote
from devmind.errors import InvalidInput
from devmind.settings import ServerSettings
from history.open import open_history
from models.registry import Registry
from tests.deployments.company import PROJECT, record, register
from tests.deployments.fakes import Instruments, ask


class NoCluster:
    """Takes every job and never hears of it again."""

    def start(self, job_id, arguments):
        pass

    def stop(self, job_id):
        pass

    def ended(self, _job_id):
        return None

    def waits(self, _job_id):
        return True

    def cluster(self):
        return "head-1"


@pytest.fixture(name="ingress", scope="module")
def _ingress(tmp_path_factory):
    """The handle of the whole application in this process, with real stores."""
    home = tmp_path_factory.mktemp("home")
    settings = ServerSettings(home=home, state_max_age_s=0.0)
    with open_history(settings.database) as store:
        record(store, 30)
    register(Registry(settings.tracking_uri, settings.artifacts), home)
    instruments = Instruments()
    equipment = Equipment(
        settings=lambda: settings,
        instruments=lambda: instruments,
        runner=NoCluster,
        listens_on=lambda: None,
    )
    return serve.run(assemble(equipment), _local_testing_mode=True)


@pytest.fixture(name="served", scope="module")
def _served(ingress):
    """Its HTTP API."""
    app = ingress.__serve_build_asgi_app__.remote().result(timeout_s=60)
    _await_ready(app)
    return app


def _await_ready(app):
    """Serve waits for a replica's first `reconfigure`; in one process it does not."""
    deadline = time.monotonic() + 60
    while ask(app, "GET", "/ready").status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.05)


def ok(response, status=200):
    assert response.status_code == status, response.text
    return response.json()


def test_the_ingress_gets_to_know_every_deployment(ingress, served, monkeypatch):
    """
    A health check of the ingress is enough for it to have called each of the others.
    """
    met, reached = set(), Remote.reached

    async def noted(part):
        if await reached(part):
            met.add(part.name)
        return part.name in met

    monkeypatch.setattr(Remote, "reached", noted)
    ingress.check_health.remote().result(timeout_s=60)
    until = time.monotonic() + 30
    while len(met) < 4 and time.monotonic() < until:
        time.sleep(0.05)

    assert met == {*MODEL_DEPLOYMENTS, "history"}


def test_readiness_reaches_every_deployment(served):
    """
    The ingress holds the handle of every other deployment, and each has loaded its champion.
    """
    parts = ok(ask(served, "GET", "/ready"))["parts"]

    assert {name: (part["ready"], part["version"]) for name, part in parts.items()} == {
        "build-optimizer": (True, "1"),
        "failure-predictor": (True, "1"),
        "test-intelligence": (True, "1"),
        "history": (True, None),
    }


QUESTIONS = {
    "/api/v1/build-optimizer/predict": examples.DURATION,
    "/api/v1/build-optimizer/remaining": examples.REMAINING,
    "/api/v1/build-optimizer/optimize": examples.OPTIMIZE,
    "/api/v1/failure-predictor/predict": examples.FAILURE,
    "/api/v1/test-intelligence/select": examples.SELECT,
}


@pytest.mark.parametrize(("path", "body"), QUESTIONS.items(), ids=QUESTIONS)
def test_every_question_reaches_its_model(served, path, body):
    """
    The documentation's questions are answered from the recorded project by version 1.
    """
    answer = ok(ask(served, "POST", path, json=body))

    assert (answer["project_name"], answer["model_version"]) == (PROJECT, "1")
    assert not answer["abstained"]


def test_assess_asks_all_three(served):
    """
    One question, three answers.
    """
    answer = ok(ask(served, "POST", "/api/v1/assess", json=examples.ASSESS))

    assert answer["errors"] == {}
    assert answer["duration"]["p50_s"] > 0
    assert answer["failure"]["risk_level"] != "unknown"
    assert answer["tests"]["run_all"]  # the example touches a lock file


def test_a_stranger_gets_an_abstention_from_all_three(served):
    """
    A project never seen is no error anywhere.
    """
    question = {"project_name": "nobody", "all_tests": ["a", "b"]}
    answer = ok(ask(served, "POST", "/api/v1/assess", json=question))

    assert [answer[part]["abstained"] for part in ("duration", "failure", "tests")] == [True] * 3
    assert answer["tests"]["selected_tests"] == ["a", "b"]


def test_what_is_recorded_is_in_the_next_answer(served):
    """
    A build recorded over HTTP, with its tests and its end, moves `as_of` by three.
    """
    path = "/api/v1/build-optimizer/predict"
    before = ok(ask(served, "POST", path, json=examples.DURATION))["as_of"]
    build = {**examples.BUILD, "external_id": "9001"}
    made = ok(ask(served, "POST", "/api/v1/builds", json=build), 201)["build_id"]
    junit = {"content": examples.JUNIT, "headers": {"content-type": "application/xml"}}
    ok(ask(served, "POST", f"/api/v1/builds/{made}/tests", **junit), 201)
    ok(ask(served, "POST", f"/api/v1/builds/{made}/finish", json=examples.FINISH), 201)

    assert ok(ask(served, "POST", path, json=examples.DURATION))["as_of"] == before + 3
    assert ok(ask(served, "POST", path, json={**examples.DURATION, "build_id": made}))


def test_errors_of_other_deployments_stay_ours(served):
    """
    An unknown build is a 404 with our words, though it was raised elsewhere.
    """
    refused = ask(served, "POST", "/api/v1/builds/nobody/finish", json=examples.FINISH)

    assert refused.status_code == 404
    assert "nobody" in refused.json()["detail"]


def test_models_are_looked_after(served):
    """
    Status says what is champion and what is served; a job is started once; a rollback needs a past.
    """
    models = ok(ask(served, "GET", "/models/status"))["models"]
    job = ok(ask(served, "POST", "/models/retrain/build-optimizer", json={}), 202)
    again = ask(served, "POST", "/models/retrain/build-optimizer", json={})
    nowhere = ask(served, "POST", "/models/build-optimizer/rollback")

    assert [(m["champion"], m["serving"]) for m in models] == [("1", "1")] * 3
    assert models[0]["versions"][0]["scorecard"]["mae_s"] == 9
    assert ok(ask(served, "GET", f"/models/jobs/{job['job_id']}"))["state"] == "queued"
    assert [j["job_id"] for j in ok(ask(served, "GET", "/models/jobs"))["jobs"]] == [job["job_id"]]
    assert (again.status_code, nowhere.status_code) == (409, 404)
    cancelled = ok(ask(served, "POST", f"/models/jobs/{job['job_id']}/cancel"))
    assert (cancelled["state"], cancelled["detail"]) == ("cancelled", "cancelled by anyone")
    assert not ok(ask(served, "GET", f"/models/jobs/{job['job_id']}/logs"))["more"]


def test_a_version_that_cannot_shadow_is_refused(served):
    """
    The champion cannot stand beside itself, nor can a version that does not exist.
    """
    path = "/models/build-optimizer/shadow"
    itself = ask(served, "POST", path, json={"version": "1", "builds": 20})
    nobody = ask(served, "POST", path, json={"version": "99"})

    assert (itself.status_code, nobody.status_code) == (422, 404)
    assert "It is the champion" in itself.json()["detail"]


@pytest.mark.parametrize(
    "environment",
    [{"ENVIRONMENT": "production"}, {"DEVMIND_HOST": "0.0.0.0"}],  # noqa: S104 - refused
)
def test_an_open_service_is_refused_before_anything_is_deployed(monkeypatch, environment):
    """
    In production, or on an address that others reach, building the application fails without keys.
    """
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(InvalidInput, match="without API keys"):
        build_app(AppArgs())


def test_a_misspelt_argument_is_an_error():
    """
    What serve_config.yaml says under args is checked.
    """
    with pytest.raises(ValueError, match="projects"):
        AppArgs.model_validate({"projects": 3})
