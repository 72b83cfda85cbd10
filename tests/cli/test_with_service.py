"""The command line against the service's own HTTP application, on a real history."""

import json
import threading
import time
from datetime import UTC, datetime

import pytest
import uvicorn

from deployments.auth import Keys
from deployments.history_service import Desk, HistoryService
from deployments.metrics import Metrics
from deployments.recording import Recorder
from devmind.api_keys import make_key
from devmind.client import Client, Question, RunningQuestion, TestQuestion
from history.open import open_history
from tests.deployments.fakes import Instruments, make_app

JUNIT = '<testsuite><testcase classname="cart" name="adds" time="0.5"/></testsuite>'


@pytest.fixture(scope="module", name="key_and_line")
def _key_and_line():
    return make_key("ci", ["admin"])


@pytest.fixture(name="store")
def _store(tmp_path):
    with open_history(f"sqlite:///{tmp_path / 'history.db'}") as store:
        yield store


@pytest.fixture(name="url")
def _url(store, key_and_line, monkeypatch):
    recorder = Recorder(store, metrics=Metrics(Instruments()), now=lambda: datetime.now(UTC))
    history = HistoryService(Desk(overview=store, recorder=recorder, lifecycle=None))
    app = make_app(Keys.parse(key_and_line[1]), records=history, max_body_bytes=64 << 20)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    monkeypatch.setenv("DEVMIND_API_KEY", key_and_line[0])
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture(name="run")
def _run(devmind, url, monkeypatch):
    monkeypatch.setenv("DEVMIND_URL", url)
    return devmind


def test_importing_real_runs_twice_adds_nothing(run, store, ci_data):
    """
    Real runs go through HTTP into the history, once.
    """
    (path,) = (ci_data / "github-actions" / "with_steps").glob("pr3y*.csv")

    first = json.loads(run("import", str(path), "--json").out)
    second = json.loads(run("import", str(path), "--json").out)

    assert first["recorded"] == 2 * first["builds"] > 1000
    assert (second["recorded"], second["repeated"]) == (0, first["recorded"])
    (project,) = store.projects()
    assert (project.builds, project.last_sequence) == (first["builds"], first["recorded"])


def test_importing_real_verdicts(run, store, ci_data):
    """
    A real table of verdicts arrives whole, test by test.
    """
    path = ci_data / "dune" / "debian_11_gcc-10-20.csv"

    totals = json.loads(run("import", str(path), "--project", "dune", "--json").out)

    assert totals["projects"] == ["dune"]
    assert totals["recorded"] == 3 * totals["builds"]
    assert store.projects()[0].tests == 125


def test_a_build_from_begin_to_end(run, store, tmp_path):
    """
    A CI job records its build, its tests and its end; doing so again changes nothing.
    """
    (tmp_path / "report.xml").write_text(JUNIT)
    who = ("--project", "team/shop", "--pipeline", "ci", "--external-id", "7")
    when = ("--queued-at", "2026-01-31T12:00:00Z")
    ended = ("--started-at", "2026-01-31T12:00:05Z", "--finished-at", "2026-01-31T12:03:00Z")

    for again in (False, True):
        build = run("record", "build", *who, *when, "--changed", "cart.py").out.strip()
        tests = run("record", "tests", "report.xml", "--build", build)
        finish = run("record", "finish", build, "--status", "success", *ended)

        assert tests.out.startswith("recorded: 1 tests, 0 failed, 0 skipped"), tests.err
        assert finish.code == 0
        assert ("before" in finish.out) == again

    assert store.last_sequence("team/shop") == 3
    assert store.build(build).change.files[0].path == "cart.py"


def test_a_contradiction_is_told_in_the_services_words(run):
    """
    A build that is recorded with another change is refused, and the history stays as it is.
    """
    who = ("--project", "p", "--pipeline", "ci", "--external-id", "7")
    when = ("--queued-at", "2026-01-31T12:00:00Z")
    run("record", "build", *who, *when, "--changed", "a.py")

    refused = run("record", "build", *who, *when, "--changed", "b.py")

    assert refused.code == 5
    assert "a rerun is a new attempt" in refused.err


@pytest.mark.parametrize(("key", "code"), [("", 6), ("wrong", 6)])
def test_a_wrong_key(run, monkeypatch, key, code):
    """
    Without a key that is known, nothing is recorded, and the exit code is 6.
    """
    monkeypatch.setenv("DEVMIND_API_KEY", key)

    ended = run("record", "finish", "b1", "--status", "passed")

    assert ended.code == code
    assert "X-API-Key" in ended.err


def test_a_finish_without_its_build(run):
    """
    A build that was never recorded cannot finish.
    """
    ended = run("record", "finish", "b1", "--status", "passed")

    assert ended.code == 3
    assert "'b1'" in ended.err


def test_every_question_and_answer_fits(url, key_and_line):
    """
    Client and service agree on the shape of every route that answers.
    """
    question = Question(project="shop", pipeline="ci")
    with Client(url, key_and_line[0]) as client:
        assert client.information().service == "devmind-ml-service"
        assert client.readiness().ready
        assert "devmind_predictions_total" in client.metrics()
        assert client.projects() == ()
        assert client.predict_duration(question).p50_s == 20
        running = RunningQuestion(question=question, elapsed_s=180.0)
        assert client.predict_remaining(running).waits_for == "test"
        assert client.optimize(question, historical_build_times=[3.0]).estimated_savings == 0
        assert client.predict_failure(question).failure_probability == 0.2
        assert client.select_tests(TestQuestion(question=question)).selected_tests == ("a",)
        assert client.assess(question).errors == {"failure": "away"}
        assert client.model_status()[0].champion == "3"
        assert client.retrain("build-optimizer").job_id == "job-1"
        assert client.job("job-1").state == client.jobs()[0].state == "queued"
        assert client.promote("build-optimizer", "3").version == "3"
        assert client.rollback("build-optimizer").version == "2"


def test_what_people_see(run):
    """
    The service's own answers fit into every table.
    """
    about = ("--project", "shop", "--changed", "cart.py")

    assert "20 s" in run("predict", *about, "--pipeline", "ci").out
    said = run("remaining", *about, "--elapsed", "180", "--job", "lint=passed:41").out
    assert "20 s more" in said
    assert "waits for test" in said
    assert "1 of 2 tests" in run("assess", *about).out
    assert run("select", *about).out == "a\n"
    assert "build-optimizer" in run("status").out
    assert run("train", "all").code == 0
