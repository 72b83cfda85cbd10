import json

import pytest

from devmind import errors
from devmind.cli import exits
from tests.cli.service import DURATION, FAILURE, Reply, problem

PREDICT = "/api/v1/build-optimizer/predict"
ASK = ("predict", "--project", "shop/web", "--changed", "cart.py")


@pytest.mark.parametrize(
    ("status", "name", "code"),
    [
        (422, "invalid-input", 3),
        (404, "not-found", 3),
        (503, "model-unavailable", 4),
        (503, "history-unavailable", 4),
        (503, "overloaded", 4),
        (409, "contradicting-repeat", 5),
        (409, "promotion-refused", 5),
        (409, "already-running", 5),
        (401, "not-authenticated", 6),
        (403, "not-allowed", 6),
        (500, "dev-mind-error", 1),
    ],
)
def test_what_the_service_says_decides_the_exit_code(service, devmind, status, name, code):
    """
    Each kind of trouble has its exit code, its sentence on stderr, and nothing on stdout.
    """
    service.answers("POST", PREDICT, problem(status, name, "This is why."))

    ended = devmind(*ASK)

    assert (ended.code, ended.out, ended.err) == (code, "", "devmind: This is why.\n")


def test_every_exit_code_is_documented(devmind):
    """
    `devmind --help` explains each code there is.
    """
    ended = devmind("--help")

    assert ended.code == 0
    for code, meaning in exits.MEANINGS.items():
        assert f"{code:d}  {meaning.split(';')[0][:40]}" in ended.out
    assert set(exits.MEANINGS) == set(exits.ExitCode)


def test_every_error_a_service_names_is_mapped():
    """
    No error of the vocabulary that a caller can act on ends as unexpected.
    """
    ours = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    unmapped = {
        kind.__name__
        for kind in ours
        if exits.exit_code(kind.__new__(kind)) is exits.ExitCode.UNEXPECTED
    }

    assert unmapped == {"DevMindError", "HistorySchemaMismatch", "UnusableSnapshot"}


def test_no_service_is_exit_4(devmind):
    """
    A service that is away is one line and exit code 4.
    """
    ended = devmind(*ASK, "--url", "http://127.0.0.1:9")

    assert ended.code == 4
    assert ended.err.startswith("devmind: No answer from http://127.0.0.1:9")


def test_a_wrong_command_line_is_exit_2(devmind):
    """
    A wrong option is exit code 2, as everywhere.
    """
    assert devmind("predict", "--no-such-option").code == 2


def test_a_wrong_setting_is_named(devmind, monkeypatch):
    """
    A setting from the environment that cannot be is named, as bad input.
    """
    monkeypatch.setenv("DEVMIND_TIMEOUT_S", "-1")

    ended = devmind(*ASK)

    assert ended.code == 3
    assert "timeout_s" in ended.err


def test_a_missing_key_file_is_named(devmind):
    """
    A key file that is not there is bad input, and named.
    """
    ended = devmind(*ASK, "--api-key-file", "nowhere")

    assert ended.code == 3
    assert "nowhere" in ended.err


def test_the_key_comes_from_its_file(service, devmind, tmp_path):
    """
    The key is read from the file that an option names, without its line end.
    """
    (tmp_path / "key").write_text("from-file\n")
    service.answers("POST", PREDICT, DURATION)

    devmind(*ASK, "--api-key-file", "key")

    assert service.requests[0].headers["x-api-key"] == "from-file"


def test_the_unexpected_is_one_line(service, devmind, monkeypatch):
    """
    A bug of ours is one line that says how to see more, and with DEVMIND_DEBUG the details.
    """
    service.answers("POST", PREDICT, DURATION)
    monkeypatch.setattr("sys.stdout", None)

    quiet = devmind(*ASK, "--json")
    monkeypatch.setenv("DEVMIND_DEBUG", "1")
    loud = devmind(*ASK, "--json")

    assert quiet.code == loud.code == 1
    assert quiet.err.splitlines()[-1].startswith("devmind: unexpected error: ")
    assert "DEVMIND_DEBUG=1" in quiet.err
    assert "Traceback" not in quiet.err
    assert "Traceback" in loud.err


def test_predicting_as_json(service, devmind):
    """
    With --json, stdout is one JSON document with the service's own fields.
    """
    service.answers("POST", PREDICT, DURATION | {"new_field": 1})
    service.answers("POST", "/api/v1/failure-predictor/predict", FAILURE)

    ended = devmind(*ASK, "--pipeline", "ci.yml", "--json")

    assert json.loads(ended.out) == {"duration": DURATION | {"new_field": 1}, "failure": FAILURE}
    assert ended.err == ""


def test_predicting_for_people(service, devmind):
    """
    Without --json the numbers come as a text with reasons, model version and interval.
    """
    service.answers("POST", PREDICT, DURATION)
    service.answers("POST", "/api/v1/failure-predictor/predict", FAILURE)

    ended = devmind(*ASK, "--pipeline", "ci.yml")

    assert ended.code == 0
    for text in ("1 min 30 s", "80%", "1 min 00 s to 2 min 30 s", "+12 s", "model version 3"):
        assert text in ended.out
    for text in ("31% fails", "risk medium", "12% fail", "3 of 5 failed", "Run the tests"):
        assert text in ended.out


def test_one_model_alone_answers_for_itself(service, devmind):
    """
    A model that is not there yet does not hide the other's answer; the exit code tells of it.
    """
    service.answers("POST", PREDICT, DURATION)
    missing = problem(503, "model-unavailable", "No version has been promoted.")
    service.answers("POST", "/api/v1/failure-predictor/predict", missing)

    ended = devmind(*ASK, "--pipeline", "ci.yml", "--json")

    assert ended.code == 4
    assert json.loads(ended.out) == {"duration": DURATION, "failure": None}
    assert "No version has been promoted." in ended.err


def test_a_recorded_build_is_asked_about_alone(service, devmind):
    """
    --build asks about what is recorded: the checkout's change does not go along.
    """
    service.answers("POST", PREDICT, DURATION)

    ended = devmind("predict", "--project", "shop/web", "--build", "b1", "--json")

    assert ended.code == 0
    assert service.requests[0].json == {"project_name": "shop/web", "build_id": "b1"}


def test_assessing(service, devmind):
    """
    `assess` shows the parts there are, and says which is missing and why.
    """
    answer = {"project_name": "shop/web", "duration": DURATION, "failure": None, "tests": None}
    service.answers("POST", "/api/v1/assess", answer | {"errors": {"failure": "no model yet"}})

    ended = devmind("assess", "--project", "shop/web", "--changed", "cart.py")

    assert "1 min 30 s" in ended.out
    assert "failure: no model yet" in ended.out


def test_status_when_ready(service, devmind):
    """
    `status` shows projects and models of a ready service, with the champion's figures.
    """
    about = {"service": "devmind-ml-service", "version": "0.1.0", "environment": "development"}
    versions = [
        {"version": "1", "scorecard": {"mae_s": 20.0}, "aliases": ["previous"]},
        {"version": "2", "scorecard": {"mae_s": 12.5}, "aliases": ["champion"]},
    ]
    model = {"model": "build-optimizer", "champion": "2", "previous": "1", "serving": ["2"]}
    service.answers("GET", "/", about)
    service.answers("GET", "/ready", {"status": "ready"})
    service.answers("GET", "/api/v1/projects", {"projects": [{"project": "shop/web", "tests": 9}]})
    service.answers("GET", "/models/status", {"models": [model | {"versions": versions}]})

    ended = devmind("status")

    assert ended.code == 0
    for text in ("ready", "shop/web", "build-optimizer", "mae_s 12.5", "█▁"):
        assert text in ended.out


def test_status_when_not_ready(service, devmind):
    """
    A service that is not ready says why, and the exit code is 4.
    """
    service.answers("GET", "/", {"service": "s", "version": "1", "environment": "development"})
    service.answers("GET", "/ready", Reply({"reasons": ["build-optimizer: no champion"]}, 503))

    ended = devmind("status", "--json")

    assert ended.code == 4
    assert json.loads(ended.out)["reasons"] == ["build-optimizer: no champion"]
