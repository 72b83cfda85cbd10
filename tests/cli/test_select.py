import io
import json

import pytest

from devmind.cli.node_ids import name_of, node_id_of
from devmind.cli.selections import parse_target
from devmind.errors import InvalidInput
from tests.cli.service import HANG_UP, Reply, problem, selection

SELECT = "/api/v1/test-intelligence/select"
ASK = ("select", "--project", "shop/web", "--changed", "web/cart.py")
TROUBLES = {
    "hangs up": HANG_UP,
    "has no model": problem(503, "model-unavailable", "No model."),
    "breaks": problem(500, "dev-mind-error", "It broke."),
    "wants a key": problem(401, "not-authenticated", "A key, please."),
    "refuses": problem(422, "invalid-input", "No."),
    "is something else": Reply("<html>", 200),
}


@pytest.fixture
def all_tests(tmp_path):
    (tmp_path / "all.txt").write_text("test_a\ntest_b\n\ntest_c\n")
    return "all.txt"


def test_now_and_later(service, devmind, tmp_path, all_tests):
    """
    Selected tests go to stdout, the rest to its file, the gain to stderr.
    """
    service.answers("POST", SELECT, selection(["test_b"], ["test_a", "test_c"]))

    ended = devmind(*ASK, "--tests", all_tests, "--rest", "rest.txt", "--target", "time=30%")

    assert (ended.code, ended.out) == (0, "test_b\n")
    assert (tmp_path / "rest.txt").read_text() == "test_a\ntest_c\n"
    assert "1 of 3 tests (saves about 300 s, 60% of the time" in ended.err
    body = service.requests[0].json
    assert body["all_tests"] == ["test_a", "test_b", "test_c"]
    assert body["target"] == {"time_share": 0.3}
    assert [file["path"] for file in body["changed_files"]] == ["web/cart.py"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"expected_miss_rate": 0.031}, "3.1% of 160 past failing builds slipped through)"),
        ({"expected_miss_rate": 0.031, "remark": "3.1% did"}, "; 3.1% did"),
        ({}, "catch 97% of the failing tests)"),
    ],
)
def test_what_slips_through_is_said(service, devmind, all_tests, more, said):
    """
    The summary says which share of failing builds the subset lets through, once and if known.
    """
    body = selection(["test_b"], ["test_a", "test_c"], failing_builds=160, **more)
    service.answers("POST", SELECT, body)

    ended = devmind(*ASK, "--tests", all_tests, "--target", "miss-rate=5%")

    assert ended.err.rstrip().endswith(said)
    assert service.requests[0].json["target"] == {"miss_rate": 0.05}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_never_blocks_a_build(service, devmind, all_tests, trouble):
    """
    Whatever the service does, all known tests are printed and the build goes on.
    """
    service.answers("POST", SELECT, TROUBLES[trouble])

    ended = devmind(*ASK, "--tests", all_tests)

    assert (ended.code, ended.out) == (0, "test_a\ntest_b\ntest_c\n")
    assert "run all 3 tests" in ended.err


@pytest.mark.parametrize("trouble", TROUBLES)
def test_without_a_list_of_tests_the_exit_code_says_so(service, devmind, trouble):
    """
    When nobody knows the tests, nothing is printed and exit code 4 means: run all of them.
    """
    service.answers("POST", SELECT, TROUBLES[trouble])

    ended = devmind(*ASK)

    assert (ended.code, ended.out) == (4, "")
    assert "run all tests" in ended.err


def test_failing_can_be_wished_for(service, devmind, all_tests):
    """
    With --fallback fail, trouble is an error with its own exit code.
    """
    service.answers("POST", SELECT, TROUBLES["wants a key"])

    ended = devmind(*ASK, "--tests", all_tests, "--fallback", "fail")

    assert (ended.code, ended.out) == (6, "")


def test_no_service_at_all(devmind, all_tests):
    """
    A service that is away costs a build its selection, nothing more.
    """
    ended = devmind(*ASK, "--tests", all_tests, "--url", "http://127.0.0.1:9")

    assert (ended.code, ended.out) == (0, "test_a\ntest_b\ntest_c\n")


def test_unknown_files_run_everything(service, devmind, all_tests):
    """
    Where git cannot say what changed, everything runs, and the reason is told.
    """
    ended = devmind("select", "--project", "shop/web", "--tests", all_tests)

    assert (ended.code, ended.out) == (0, "test_a\ntest_b\ntest_c\n")
    assert "no git checkout" in ended.err
    assert service.requests == []


def test_the_service_may_want_everything(service, devmind, tmp_path, all_tests):
    """
    When the service says to run all, all given tests are run, those it forgot included.
    """
    answer = selection(["test_a"], [], run_all=True, run_all_reason="a lock file changed")
    service.answers("POST", SELECT, answer)

    ended = devmind(*ASK, "--tests", all_tests, "--rest", "rest.txt")

    assert ended.out == "test_a\ntest_b\ntest_c\n"
    assert (tmp_path / "rest.txt").read_text() == ""
    assert "a lock file changed" in ended.err


def test_a_test_nobody_decided_about_is_run(service, devmind, all_tests):
    """
    A given test that is in neither list of the answer is run.
    """
    service.answers("POST", SELECT, selection(["test_b"], ["test_a"]))

    assert devmind(*ASK, "--tests", all_tests).out == "test_b\ntest_c\n"


def test_a_new_project_without_tests(service, devmind):
    """
    A project that was never seen has no tests to print: exit code 4, run all.
    """
    answer = selection([], [], run_all=True, run_all_reason="never seen", abstained=True)
    service.answers("POST", SELECT, answer)

    ended = devmind(*ASK)

    assert (ended.code, ended.out) == (4, "")
    assert "never seen" in ended.err


def test_as_json(service, devmind, all_tests):
    """
    As JSON, the answer is whole, also when it is the fallback's.
    """
    service.answers("POST", SELECT, selection(["test_b"], ["test_a", "test_c"]), HANG_UP)

    chosen = json.loads(devmind(*ASK, "--tests", all_tests, "--json").out)
    everything = json.loads(devmind(*ASK, "--tests", all_tests, "--format", "json").out)

    assert (chosen["selected_tests"], chosen["run_all"]) == (["test_b"], False)
    assert chosen["coverage_retention"] == 0.97
    assert everything["selected_tests"] == ["test_a", "test_b", "test_c"]
    assert everything["run_all"]


def test_pytest_gets_its_node_ids(service, devmind, tmp_path):
    """
    With --format pytest, node ids go in and come out; the service hears JUnit's names.
    """
    ids = ["tests/test_cart.py::TestCart::test_total[a::b]", "tests/test_cart.py::test_empty"]
    names = ["tests.test_cart.TestCart::test_total[a::b]", "tests.test_cart::test_empty"]
    (tmp_path / "ids").write_text("\n".join(ids))
    service.answers("POST", SELECT, selection(names[1:], names[:1]))

    ended = devmind(*ASK, "--tests", "ids", "--format", "pytest", "--rest", "rest")

    assert service.requests[0].json["all_tests"] == names
    assert ended.out == ids[1] + "\n"
    assert (tmp_path / "rest").read_text() == ids[0] + "\n"


def test_node_ids_of_names_from_history(service, devmind, tmp_path):
    """
    Without a list, the files here tell which part of a name is the module; which tests there are
    now nobody knows, and exit code 7 says so.
    """
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_cart.py").touch()
    service.answers("POST", SELECT, selection(["tests.test_cart.TestCart::test_x", "gone::y"], []))

    ended = devmind(*ASK, "--format", "pytest")

    assert ended.out == "tests/test_cart.py::TestCart::test_x\ngone::y\n"
    assert ended.code == 7
    assert "new tests are not in the list" in ended.err


@pytest.mark.parametrize("run_all", [True, False])
def test_an_empty_list_is_none(service, devmind, tmp_path, run_all):
    """
    A list without tests leaves the choice to history, which is said like the lack of a list.
    """
    (tmp_path / "none.txt").write_text("\n")
    service.answers("POST", SELECT, selection(["a::b"], [], run_all=run_all))

    assert devmind(*ASK, "--tests", "none.txt", "--format", "pytest").code == 7


def test_names_from_history_come_with_a_warning(service, devmind):
    """
    Other runners get what history knows, and people are told what cannot be in it.
    """
    service.answers("POST", SELECT, selection(["cart::x"], []))
    ended = devmind(*ASK)

    assert (ended.code, ended.out) == (0, "cart::x\n")
    assert "new tests are not in the list" in ended.err


@pytest.mark.parametrize(
    "node_id", ["a/test_b.py::test_c", "test_b.py::T::U::test_c[x.py::y]", "t/円.py::test_名前"]
)
def test_node_ids_there_and_back(node_id):
    """
    A node id survives being a JUnit name, wherever its file is known.
    """
    path = node_id.split("::")[0]

    assert node_id_of(name_of(node_id), {path}.__contains__) == node_id


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("confidence=0.95", {"confidence": 0.95}),
        ("confidence=90%", {"confidence": 0.9}),
        ("miss-rate=5%", {"miss_rate": 0.05}),
        ("time=30%", {"time_share": 0.3}),
        ("seconds=600", {"seconds": 600}),
    ],
)
def test_targets(text, body):
    """
    The three kinds of target, as shares or per cent.
    """
    assert parse_target(text).body() == body


@pytest.mark.parametrize(
    "text", ["", "0.95", "time=0", "time=130%", "seconds=-1", "speed=1", "miss-rate=1"]
)
def test_targets_that_cannot_be(text):
    """
    A target that cannot be reached is refused with the ones that can.
    """
    with pytest.raises(InvalidInput, match=r"confidence=0\.95, miss-rate=5%, time=30% or"):
        parse_target(text)


def test_a_wrong_target_is_bad_input(service, devmind, all_tests):
    """
    A mistake on the command line is told at once and asks nobody.
    """
    ended = devmind(*ASK, "--tests", all_tests, "--target", "fast")

    assert ended.code == 3
    assert service.requests == []


def test_the_list_may_come_from_stdin(service, devmind, monkeypatch):
    """
    `--tests -` reads the list from stdin.
    """
    monkeypatch.setattr("sys.stdin", io.StringIO("test_a\n"))
    service.answers("POST", SELECT, selection(["test_a"], []))

    assert devmind(*ASK, "--tests", "-").out == "test_a\n"


def test_a_missing_list_is_bad_input(devmind):
    """
    A list that cannot be read is the caller's mistake, not the service's.
    """
    ended = devmind(*ASK, "--tests", "nowhere.txt")

    assert ended.code == 3
    assert "nowhere.txt" in ended.err
