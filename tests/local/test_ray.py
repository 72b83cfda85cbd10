"""Talking to Ray's dashboard, with a server in its place that says what a test wants."""

import os
from urllib.parse import urlsplit

import pytest

from devmind.local import ray_jobs
from devmind.local.children import Child, Children
from devmind.local.commands import Commands
from devmind.local.failures import StepFailed
from devmind.local.layout import Layout
from devmind.local.ray_head import RayHead, ensure_token
from devmind.local.ray_jobs import TrainingJobs
from devmind.local.serving import Serving
from tests.cli.service import Reply, Service, problem


@pytest.fixture(name="dashboard")
def _dashboard():
    running = Service()
    yield running
    running.close()


@pytest.fixture(name="place")
def _place(tmp_path):
    found = Layout(root=tmp_path, home=tmp_path / "var")
    found.make()
    ensure_token(found)
    return found


@pytest.fixture(name="child")
def _child(dashboard):
    port = str(urlsplit(dashboard.url).port)
    facts = {"dashboard_port": port, "api_port": port}
    return Child(name="ray", pid=os.getpid(), started="", log="", facts=facts)


@pytest.fixture(name="head")
def _head(place):
    return RayHead(place, Children(run=place.run, logs=place.logs), {})


@pytest.fixture(name="jobs")
def _jobs(head, child, place, monkeypatch):
    monkeypatch.setattr(ray_jobs, "_POLL_S", 0.01)
    return TrainingJobs(head, child, place.logs)


def follow(dashboard, *states, logs="reading\nversion 1, promoted\n"):
    dashboard.answers("GET", "/api/jobs/j1", *({"submission_id": "j1", **s} for s in states))
    dashboard.answers("GET", "/api/jobs/j1/logs", {"logs": logs})


def test_a_model_is_trained(dashboard, jobs, place):
    """
    A job is submitted with the token, followed to its end, and its last words come back.
    """
    dashboard.answers("GET", "/api/jobs/", Reply([]))
    dashboard.answers("POST", "/api/jobs/", {"submission_id": "j1"})
    follow(dashboard, {"status": "RUNNING"}, {"status": "SUCCEEDED"})
    heard = []

    assert jobs.train("build_optimizer", heard.append) == "version 1, promoted"

    (submitted,) = (r for r in dashboard.asked("/api/jobs/") if r.method == "POST")
    assert submitted.json["entrypoint"].endswith(
        "-m training.job build_optimizer --promote-if-better"
    )
    assert submitted.headers["authorization"] == f"Bearer {place.token.read_text()}"
    assert heard[-1] == "build_optimizer: version 1, promoted"
    assert (place.logs / "train-build_optimizer.log").read_text().startswith("reading")


def test_a_job_that_was_left_behind_is_followed(dashboard, jobs):
    """
    When an earlier `up` was broken off, its running job is waited for, not doubled.
    """
    dashboard.answers("GET", "/api/jobs/", Reply([]))
    dashboard.answers("POST", "/api/jobs/", {"submission_id": "j1"})
    follow(dashboard, {"status": "SUCCEEDED"})
    jobs.train("build_optimizer", lambda _: None)
    (first,) = (r for r in dashboard.asked("/api/jobs/") if r.method == "POST")
    job = {"submission_id": "j1", "status": "RUNNING", "entrypoint": first.json["entrypoint"]}
    dashboard.answers("GET", "/api/jobs/", Reply([job]))

    jobs.train("build_optimizer", lambda _: None)

    assert len([r for r in dashboard.asked("/api/jobs/") if r.method == "POST"]) == 1


def test_a_history_without_tests_is_no_failure(dashboard, jobs):
    """
    A model that the history does not allow says why, and the others go on.
    """
    dashboard.answers("GET", "/api/jobs/", Reply([]))
    dashboard.answers("POST", "/api/jobs/", {"submission_id": "j1"})
    follow(dashboard, {"status": "FAILED", "driver_exit_code": 2}, logs="Need at least 100.\n")

    assert jobs.train("test_intelligence", lambda _: None) == "Need at least 100."


def test_a_failing_job_shows_its_last_words(dashboard, jobs):
    """
    A job that breaks stops `up`, with the end of its log.
    """
    dashboard.answers("GET", "/api/jobs/", Reply([]))
    dashboard.answers("POST", "/api/jobs/", {"submission_id": "j1"})
    follow(dashboard, {"status": "FAILED", "driver_exit_code": 1}, logs="Out of memory.\n")

    with pytest.raises(StepFailed, match="Out of memory"):
        jobs.train("build_optimizer", lambda _: None)


def test_a_refused_job_is_told(dashboard, jobs):
    """
    When Ray does not take a job, its reason is shown.
    """
    dashboard.answers("GET", "/api/jobs/", Reply([]))
    dashboard.answers("POST", "/api/jobs/", Reply("No agent is available.", 500))

    with pytest.raises(StepFailed, match="No agent is available"):
        jobs.train("build_optimizer", lambda _: None)


@pytest.fixture(name="serving")
def _serving(place, head):
    return Serving(place, Commands(root=place.root, logs=place.logs, env={}), head)


def test_a_broken_deployment_is_told_at_once(dashboard, serving, child, place):
    """
    A deployment that fails ends the wait with the reason in one line, the traceback in a log.
    """
    message = 'Traceback (most recent call last):\n  File "app.py", line 1\nValueError: no key\n'
    application = {"status": "DEPLOY_FAILED", "message": message}
    dashboard.answers("GET", "/ready", Reply("no route", 404))
    dashboard.answers("GET", "/api/serve/applications/", {"applications": {"devmind": application}})

    with pytest.raises(StepFailed) as raised:
        serving.await_ready(child, (), lambda _: None)

    assert "cannot be deployed: ValueError: no key" in str(raised.value)
    assert "Traceback" not in str(raised.value)
    assert (place.logs / "deployment.log").read_text() == message


def test_waits_until_everything_is_ready(dashboard, serving, child):
    """
    While models load, what is missing is said, until the service is ready.
    """
    loading = problem(503, "not-ready", "history: away; build-optimizer: it loads")
    dashboard.answers("GET", "/ready", loading, {"ready": True})
    dashboard.answers("GET", "/api/serve/applications/", {"applications": {}})
    heard = []

    serving.await_ready(child, (), heard.append)

    assert heard == ["history: away; build-optimizer: it loads"]


def test_a_model_without_a_version_is_not_waited_for(dashboard, serving, child):
    """
    A model that could not be trained stays unready, and the others answer.
    """
    reason = "test-intelligence: no version has been promoted; train and promote one."
    dashboard.answers("GET", "/ready", problem(503, "not-ready", reason))

    assert serving.ready(child, {"test-intelligence"})
    assert not serving.ready(child, {"build-optimizer"})
