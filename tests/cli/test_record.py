import json
from datetime import UTC, datetime, timedelta

import pytest

from devmind.ci import build_id
from tests.cli.service import Reply, problem

BUILD = build_id("shop/web", "ci.yml", "871", 1)
RECEIPT = {"build_id": BUILD, "sequence": 9, "repeated": False}
JUNIT = (
    '<testsuite><testcase classname="cart" name="{name}" time="0.5">{more}</testcase></testsuite>'
)
FAILED = '<failure message="no"/>'


@pytest.fixture
def github(monkeypatch):
    env = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "shop/web",
        "GITHUB_WORKFLOW_REF": "shop/web/.github/workflows/ci.yml@refs/heads/main",
        "GITHUB_RUN_ID": "871",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_REF_NAME": "main",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_ACTOR": "ann",
    }
    for name, value in env.items():
        monkeypatch.setenv(name, value)


def test_a_build_records_itself(service, devmind, github, repository, monkeypatch):
    """
    In a CI job, `record build` needs no option: it prints the id and has sent the change.
    """
    repository.commit("Start", one="1")
    repository.commit("Add cart", cart_py="a\n")
    monkeypatch.chdir(repository.folder)
    service.answers("POST", "/api/v1/builds", Reply(RECEIPT, 201))

    ended = devmind("record", "build")

    assert (ended.code, ended.out, ended.err) == (0, BUILD + "\n", "")
    body = service.requests[0].json
    assert (body["project"], body["pipeline"], body["external_id"]) == ("shop/web", "ci.yml", "871")
    assert (body["trigger"], body["change"]["author"]) == ("push", "ann")
    assert body["change"]["files"] == [
        {"path": "cart.py", "lines_added": 1, "lines_deleted": 0, "kind": "added"}
    ]
    age = datetime.now(UTC) - datetime.fromisoformat(body["queued_at"])
    assert timedelta() <= age < timedelta(minutes=1)


def test_a_build_without_its_files_is_recorded_with_a_warning(service, devmind, github):
    """
    Outside of a checkout the build is recorded, and a warning says what is missing.
    """
    service.answers("POST", "/api/v1/builds", Reply(RECEIPT, 201))

    ended = devmind("record", "build")

    assert (ended.code, ended.out) == (0, BUILD + "\n")
    assert "the changed files are not known" in ended.err


def test_what_nobody_says_must_be_given(service, devmind):
    """
    Outside of CI the error names the option and the variable that are missing.
    """
    ended = devmind("record", "build", "--project", "shop/web", "--pipeline", "ci")

    assert ended.code == 3
    assert "--external-id" in ended.err
    assert "DEVMIND_EXTERNAL_ID" in ended.err
    assert service.requests == []


def test_options_override_ci(service, devmind, github):
    """
    Every option overrides what the CI system says.
    """
    service.answers("POST", "/api/v1/builds", Reply(RECEIPT, 201))

    devmind(
        *("record", "build", "--project", "a/b", "--pipeline", "p", "--external-id", "1"),
        *("--attempt", "3", "--branch", "x", "--author", "eve", "--trigger", "nightly"),
        *("--commit", "c0ffee", "--changed", "a.py", "--queued-at", "2026-01-31T12:00:00+01:00"),
    )

    body = service.requests[0].json
    assert (body["project"], body["attempt"], body["trigger"]) == ("a/b", 3, "nightly")
    assert (body["change"]["commit"], body["change"]["author"]) == ("c0ffee", "eve")
    assert body["queued_at"] == "2026-01-31T11:00:00Z"


@pytest.mark.parametrize("at", ["yesterday", "2026-01-31T12:00:00", "2026-13-01T00:00:00Z"])
def test_a_time_needs_its_zone(devmind, github, at):
    """
    A time that is none, or has no zone, is refused with an example.
    """
    ended = devmind("record", "build", "--queued-at", at)

    assert ended.code == 3
    assert "2026-01-31T12:00:00Z" in ended.err


def test_a_contradiction_is_refused(service, devmind, github):
    """
    A second, different body for the same build is exit code 5, in the service's words.
    """
    service.answers("POST", "/api/v1/builds", problem(409, "contradicting-repeat", "It differs."))

    ended = devmind("record", "build")

    assert ended.code == 5
    assert ended.err.endswith("devmind: It differs.\n")


@pytest.mark.parametrize(
    ("word", "status"), [("success", "passed"), ("Cancelled", "canceled"), ("failed", "failed")]
)
def test_finishing_in_the_words_of_the_ci_system(service, devmind, github, word, status):
    """
    `record finish` finds its build by itself and takes the CI system's own word.
    """
    service.answers("POST", f"/api/v1/builds/{BUILD}/finish", Reply(RECEIPT, 201))

    ended = devmind("record", "finish", "--status", word)

    assert (ended.code, ended.out) == (0, f"recorded: {BUILD} {status}\n")
    assert service.requests[0].json["status"] == status


def test_finishing_with_jobs(service, devmind, tmp_path):
    """
    Jobs and steps come from a JSON file; the build may be named.
    """
    step = {"name": "test", "status": "passed", "started_at": "2026-01-31T12:00:01Z"}
    jobs = [{"name": "linux", "status": "passed", "steps": [step]}]
    (tmp_path / "jobs.json").write_text(json.dumps(jobs))
    service.answers("POST", "/api/v1/builds/b1/finish", Reply(RECEIPT | {"repeated": True}))

    ended = devmind("record", "finish", "b1", "--status", "passed", "--jobs", "jobs.json")

    assert "recorded before" in ended.out
    assert service.requests[0].json["jobs"][0]["steps"][0]["name"] == "test"


@pytest.mark.parametrize("text", ["{", "{}", '[{"name": "x"}]', '[{"oops": 1}]'])
def test_jobs_that_cannot_be(devmind, tmp_path, text):
    """
    A file that holds no jobs is named, and nothing is sent.
    """
    (tmp_path / "jobs.json").write_text(text)

    ended = devmind("record", "finish", "b1", "--status", "passed", "--jobs", "jobs.json")

    assert ended.code == 3
    assert "jobs.json" in ended.err


def test_an_unknown_status(devmind):
    """
    A word for no ending is refused with the words there are.
    """
    ended = devmind("record", "finish", "b1", "--status", "great")

    assert ended.code == 3
    assert "passed, failed, canceled, skipped" in ended.err


@pytest.fixture
def reports(tmp_path):
    for name, more in (("a", ""), ("b", FAILED), ("a2", "")):
        path = tmp_path / "reports" / "deep" / f"{name}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(JUNIT.format(name=name.rstrip("2"), more=more))
    return tmp_path / "reports" / "deep"


def test_tests_of_many_files_are_one_report(service, devmind, github, reports):
    """
    A pattern takes in all files; a test that is in two of them has two attempts.
    """
    receipt = RECEIPT | {"tests": 3, "failed": 1, "skipped": 0}
    service.answers("POST", f"/api/v1/builds/{BUILD}/tests", Reply(receipt, 201))

    ended = devmind("record", "tests", "reports/**/*.xml", "--name", "linux")

    assert (ended.code, ended.out) == (0, "recorded: 3 tests, 1 failed, 0 skipped\n")
    body = service.requests[0].json
    runs = [(run["name"], run["verdict"], run["attempt"]) for run in body["runs"]]
    assert runs == [("cart::a", "passed", 1), ("cart::a", "passed", 2), ("cart::b", "failed", 1)]
    assert body["name"] == "linux"


def test_a_broken_report_is_named_and_nothing_sent(service, devmind, github, reports):
    """
    One half-written file stops the report, unless told to leave it out.
    """
    (reports / "z.xml").write_text("<testsuite><testcase")
    receipt = RECEIPT | {"tests": 3, "failed": 1, "skipped": 0}
    service.answers("POST", f"/api/v1/builds/{BUILD}/tests", Reply(receipt, 201))

    strict = devmind("record", "tests", "reports/**/*.xml")
    sent = len(service.requests)
    lenient = devmind("record", "tests", "reports/**/*.xml", "--skip-unreadable")

    assert (strict.code, sent) == (3, 0)
    assert "z.xml" in strict.err
    assert lenient.code == 0
    assert "left out" in lenient.err
    assert len(service.requests[0].json["runs"]) == 3


def test_no_report_at_all(devmind, github):
    """
    A pattern that matches nothing is an error: perhaps no test ran.
    """
    ended = devmind("record", "tests", "nowhere/*.xml")

    assert ended.code == 3
    assert "nowhere/*.xml" in ended.err
