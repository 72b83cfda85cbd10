"""What the Tasks of Tekton run is run here, against a service and against none."""

import socket
import threading
import time

import pytest

from tests.cli.service import selection
from tests.delivery.tekton import carry_out

SELECT = "/api/v1/test-intelligence/select"


@pytest.fixture(name="listed")
def _listed(source):
    """The checkout with a list of its tests."""
    folder = source / ".devmind"
    folder.mkdir()
    (folder / "tests.txt").write_text("cart\nmail\n")
    return source


def test_record_tells_what_tekton_knows(service, source):
    """
    The build is recorded as the import would name it, with the change from git.
    """
    ended = carry_out("devmind-record", source, service.url)
    sent = service.asked("/api/v1/builds")[0].json

    assert (ended.code, ended.results["build"]) == (0, "m4gb7wkj")
    assert (sent["project"], sent["pipeline"], sent["external_id"]) == (
        "shop/web",
        "shop-ci",
        "3f1c",
    )
    assert [file["path"] for file in sent["change"]["files"]] == ["web/cart.py"]


def test_the_name_of_a_pipeline_may_be_given(service, source):
    """
    Where the pipeline stands in the run its name is the run's: a given name goes before it.
    """
    carry_out("devmind-record", source, service.url, pipeline="web-x7k2p", pipeline_name="web-ci")

    assert service.asked("/api/v1/builds")[0].json["pipeline"] == "web-ci"


def test_predict_prints_a_forecast(service, source):
    """
    People see the forecast in the log.
    """
    ended = carry_out("devmind-predict", source, service.url)

    assert (ended.code, ended.results["predicted"]) == (0, "true")
    assert "31" in ended.out


def test_select_writes_the_list(service, listed):
    """
    The tests worth running stand in the workspace, where every user may write beside them.
    """
    service.answers("POST", SELECT, selection(["cart"], ["mail"]))
    ended = carry_out("devmind-select", listed, service.url, format="names")

    assert (ended.code, ended.results["known"]) == (0, "true")
    assert (listed / ".devmind" / "selected.txt").read_text() == "cart\n"


@pytest.mark.parametrize("tests", [".devmind/tests.txt", "nowhere.txt", ""])
def test_select_knows_no_tests_by_itself(service, source, tests):
    """
    Where nobody listed the tests, history is not asked for them: a new test would be left out.
    """
    service.answers("POST", SELECT, selection(["cart"], ["mail"]))
    ended = carry_out("devmind-select", source, service.url, tests=tests)

    assert (ended.code, ended.results["known"]) == (0, "false")
    assert not (source / ".devmind" / "selected.txt").exists()
    assert service.requests == []


def test_select_makes_its_folder_for_all(service, source):
    """
    The folder of the lists is open to every user, whatever the umask.
    """
    carry_out("devmind-select", source, service.url)

    assert (source / ".devmind").stat().st_mode & 0o777 == 0o777


def test_a_service_token_goes_along(service, source):
    """
    The three secrets reach the service: its key, and both halves of a token of Cloudflare Access.
    """
    secrets = {
        "DEVMIND_API_KEY": "key",
        "DEVMIND_ACCESS_CLIENT_ID": "id.access",
        "DEVMIND_ACCESS_CLIENT_SECRET": "s3cret",
    }
    carry_out("devmind-record", source, service.url, secrets=secrets)
    headers = service.requests[0].headers

    assert headers["x-api-key"] == "key"
    assert headers["cf-access-client-id"] == "id.access"
    assert headers["cf-access-client-secret"] == "s3cret"


def test_report_tells_tests_and_end(service, source):
    """
    Test reports and the end are recorded with the words of Tekton understood.
    """
    (source / ".devmind").mkdir()
    suite = '<testsuite><testcase classname="cart" name="fills" time="1"/></testsuite>'
    (source / ".devmind" / "junit.xml").write_text(suite)
    carry_out("devmind-report", source, service.url, status="Failed")
    asked = {request.path.rpartition("/")[2]: request.json for request in service.requests}

    assert asked["finish"]["status"] == "failed"
    assert "tests" in asked


STATES = {
    "Succeeded Succeeded": "passed",
    "Completed": "passed",
    "Succeeded Failed": "failed",
    "Failed None": "failed",
    "Succeeded None": "canceled",
    "None None": "canceled",
    "": "canceled",
}


@pytest.mark.parametrize(("state", "word"), STATES.items())
def test_how_tasks_end(service, source, state, word):
    """
    A clone that failed is a failed build; tests that never ran, as after a cancellation, are none.
    """
    carry_out("devmind-report", source, service.url, status=state)
    (finish,) = (r.json for r in service.requests if r.path.endswith("/finish"))

    assert finish["status"] == word


OUTAGES = {
    "record": ("devmind-record", {}, {"build": ""}),
    "predict": ("devmind-predict", {}, {"predicted": "false"}),
    "select": ("devmind-select", {}, {"known": "false"}),
    "report": ("devmind-report", {"status": "Succeeded"}, {}),
}


@pytest.mark.parametrize(("task", "params", "results"), OUTAGES.values(), ids=OUTAGES)
def test_a_dead_service_fails_no_build(source, dead, task, params, results):
    """
    With nobody at the address every Task succeeds, says so, and gives its results.
    """
    ended = carry_out(task, source, dead, **params)

    assert (ended.code, ended.results) == (0, results)
    assert "goes on" in ended.err or "run all tests" in ended.err


def test_the_reason_is_in_the_log(source, dead):
    """
    The log says with which exit code the forecast failed.
    """
    assert "devmind ended with 4;" in carry_out("devmind-predict", source, dead).err


def test_a_dead_service_selects_everything(listed, dead):
    """
    Where all tests are listed the list is everything; where they are not there is no list, and a
    list of an earlier run is gone.
    """
    chosen = listed / ".devmind" / "selected.txt"
    known = carry_out("devmind-select", listed, dead, format="names")
    everything = chosen.read_text()
    (listed / ".devmind" / "tests.txt").unlink()
    carry_out("devmind-select", listed, dead)

    assert (known.results["known"], everything) == ("true", "cart\nmail\n")
    assert not chosen.exists()


@pytest.fixture(name="slow")
def _slow():
    """An address that answers a byte each quarter of a second, for ever."""
    server = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def drip(connection):
        with connection:
            while not ended.wait(0.25):
                try:
                    connection.send(b"H")
                except OSError:
                    return

    def accept():
        while not ended.is_set():
            try:
                threading.Thread(target=drip, args=[server.accept()[0]], daemon=True).start()
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}"
    ended.set()
    server.close()


def test_a_slow_service_is_given_up(source, slow):
    """
    A service that never stops answering takes twice the time that was given, no more.
    """
    began = time.monotonic()
    ended = carry_out("devmind-record", source, slow, timeout_s="0.5")

    assert (ended.code, ended.results["build"]) == (0, "")
    assert "it took too long" in ended.err
    assert time.monotonic() - began < 30
