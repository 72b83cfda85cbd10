"""Whole builds of the Pipeline, with a real pytest: what is run, and how it ends."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.cli.service import selection
from tests.delivery.tekton import carry_out, carry_out_inline

SELECT = "/api/v1/test-intelligence/select"
PYTEST = "python -m pytest -p no:cacheprovider"
PASSES = "def test_{name}():\n    pass\n"
FAILS = "def test_{name}():\n    assert not '{name}'\n"


def written(folder, **tests):
    path = folder / "tests" / "test_cart.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(text.format(name=name) for name, text in tests.items()))


def knows(*history):
    """A service that knows the tests of *history*: it selects what is new and the first of them."""
    known = [f"tests.test_cart::test_{name}" for name in history]

    def answer(request):
        asked = request.json.get("all_tests") or known
        chosen = [name for name in asked if name not in known or name == known[0]]
        return selection(chosen, [name for name in asked if name not in chosen])

    return answer


def built(source, url, command=PYTEST, collect=""):
    """Collect, select and test as the Pipeline does; return how the test step ended."""
    carry_out_inline("collect", source, COMMAND=command, COLLECT=collect)
    carry_out("devmind-select", source, url)
    return carry_out_inline("test", source, COMMAND=command)


def reported(source):
    return "".join(path.read_text() for path in (source / ".devmind").glob("*.xml"))


def test_a_new_failing_test_fails_the_build(service, source):
    """
    A test that history does not know is run, and its failure is the build's.
    """
    written(source, old=PASSES, rare=PASSES, new=FAILS)
    service.answers("POST", SELECT, knows("old", "rare"))
    ended = built(source, service.url)

    assert ended.code == 1
    assert "1 failed, 1 passed" in ended.out
    assert "test_rare" not in reported(source)


def test_a_deleted_test_fails_no_build(service, source):
    """
    A test that only history knows is not asked for: what is left is run and passes.
    """
    written(source, old=PASSES, kept=PASSES)
    service.answers("POST", SELECT, knows("gone", "old", "kept"))
    ended = built(source, service.url)

    assert (ended.code, "not found" in ended.out + ended.err) == (0, False)
    assert service.requests[0].json["all_tests"] == [
        "tests.test_cart::test_old",
        "tests.test_cart::test_kept",
    ]


def test_a_selection_saves_tests(service, source):
    """
    What need not run is not run, and what ran is reported.
    """
    written(source, old=PASSES, slow=FAILS)
    service.answers("POST", SELECT, knows("old", "slow"))
    ended = built(source, service.url)

    assert (ended.code, "1 passed" in ended.out) == (0, True)
    assert 'name="test_old"' in reported(source)


UNLISTED = {
    "broken": {"old": PASSES, "broken": "def test_{name}(:\n"},
    "quiet": {"old": PASSES, "slow": FAILS},
    "elsewhere": {"old": PASSES, "slow": FAILS},
}
COLLECT = {"quiet": f"{PYTEST} --collect-only -qq", "elsewhere": "echo other.py::test_a"}


@pytest.mark.parametrize("why", UNLISTED)
def test_without_a_list_all_tests_run(service, source, why):
    """
    A list that cannot be made, holds no test, or names files that are not here is no list.
    """
    written(source, **UNLISTED[why])
    service.answers("POST", SELECT, knows("old", "slow"))
    ended = built(source, service.url, collect=COLLECT.get(why, ""))

    assert ended.code != 0
    assert service.requests == []


@pytest.mark.parametrize("addopts", ["", "-q", "-vv"])
def test_tests_are_listed_however_loud_pytest_is(source, addopts):
    """
    The project's own verbosity does not change the list, and warnings are not in it.
    """
    warn = "import warnings\nwarnings.warn('tests/test_cart.py::test_odd')\n"
    written(source, old="@__import__('pytest').mark.parametrize('x', ['a b'])\n" + PARAMETER)
    path = source / "tests" / "test_cart.py"
    path.write_text(warn + path.read_text())
    (source / "pytest.ini").write_text(f"[pytest]\naddopts = {addopts}\n")
    carry_out_inline("collect", source, COMMAND=PYTEST, COLLECT="")

    listed = (source / ".devmind" / "tests.txt").read_text()

    assert listed == "tests/test_cart.py::test_old[a b]\n"


PARAMETER = "def test_{name}(x):\n    pass\n"


def test_a_dead_service_runs_all_that_is_there(source, dead):
    """
    In an outage every test there is runs.
    """
    written(source, old=PASSES, new=FAILS)
    ended = built(source, dead)

    assert ended.code == 1
    assert "1 failed, 1 passed" in ended.out


RUNNER = """#!/bin/sh
for last; do case "$last" in --junit-xml=*) ;; *) printf '%s\\n' "$last" >> ran ;; esac; done
echo "$#" >> runs
for one; do case "$one" in --junit-xml=*) echo '<testsuite/>' > "${one#*=}" ;; esac; done
case " $* " in *" fail5 "*) exit 5 ;; *" fail2 "*) exit 2 ;; esac
"""


@pytest.fixture(name="runner")
def _runner(tmp_path):
    """A program that notes the tests it is given, and fails at some of them."""
    path = tmp_path / "runner"
    path.write_text(RUNNER)
    path.chmod(0o755)
    return path


def select_here(folder, text):
    (folder / ".devmind").mkdir()
    (folder / ".devmind" / "selected.txt").write_text(text)


LISTS = {
    "none": (None, [], 1),
    "some": ("a b.py::t[x y]\n'c'\n$(d)\n", ["a b.py::t[x y]", "'c'", "$(d)"], 1),
    "no last line break": ("a\nb", ["a", "b"], 1),
    "empty": ("", [], 0),
}


@pytest.mark.parametrize(("chosen", "ran", "runs"), LISTS.values(), ids=LISTS)
def test_the_test_task_runs_what_is_listed(tmp_path, runner, chosen, ran, runs):
    """
    Listed tests reach the runner as they are; without a list it runs everything, once.
    """
    if chosen is not None:
        select_here(tmp_path, chosen)
    ended = carry_out_inline("test", tmp_path, COMMAND=str(runner))
    noted = tmp_path / "ran"

    assert ended.code == 0
    assert (noted.read_text().splitlines() if noted.exists() else []) == ran
    assert len(list((tmp_path / ".devmind").glob("*.xml"))) == runs


def test_a_long_list_keeps_all_its_results(tmp_path, runner):
    """
    A list too long for one command is run in parts: each has its report, and the worst counts.
    """
    tests = [f"tests/test_{n}.py::test_{'x' * 60}" for n in range(5_000)]
    tests[1], tests[-1] = "fail5", "fail2"
    select_here(tmp_path, "".join(f"{test}\n" for test in tests))
    ended = carry_out_inline("test", tmp_path, COMMAND=str(runner))
    runs = (tmp_path / "runs").read_text().split()

    assert ended.code == 5
    assert (tmp_path / "ran").read_text().splitlines() == tests
    assert len(list((tmp_path / ".devmind").glob("*.xml"))) == len(runs) > 1


def test_reports_of_an_earlier_run_are_gone(tmp_path, runner):
    """
    A workspace that is used again does not report the tests of before.
    """
    select_here(tmp_path, "")
    (tmp_path / ".devmind" / "old.xml").touch()
    carry_out_inline("test", tmp_path, COMMAND=str(runner))

    assert not list((tmp_path / ".devmind").glob("*.xml"))


@pytest.fixture(name="shared")
def _shared(runner):
    """A workspace that every user reaches and may write to, as with a fsGroup, and a runner."""
    if os.geteuid() != 0:
        pytest.skip("only root becomes another user")
    folder = Path(tempfile.mkdtemp())
    shutil.copy(runner, folder / "runner")
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


TESTER, OURS = 2000, 1000


def test_the_tests_may_run_as_another_user(service, shared):
    """
    What one user collected another selects and a third tests, and the reports are there for ours.
    """
    program = shared / "bin" / "devmind"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho a\n")
    program.chmod(0o755)
    carry_out_inline("collect", shared, user=TESTER, COMMAND="x", COLLECT="echo runner::a")
    place = {"user": OURS, "path": f"{program.parent}:/usr/bin:/bin", "results": shared / "results"}
    chosen = carry_out("devmind-select", shared, service.url, place=place)
    ended = carry_out_inline("test", shared, user=TESTER, COMMAND="./runner")

    assert (chosen.results["known"], ended.code) == ("true", 0)
    assert (shared / "ran").read_text() == "a\n"
    assert [path.stat().st_mode & 0o444 for path in (shared / ".devmind").glob("*.xml")] == [0o444]


@pytest.mark.parametrize(("test", "code"), [("a", 0), ("fail2", 2)])
def test_a_folder_of_ours_decides_nothing(shared, test, code):
    """
    Where the tests' user may not write to .devmind the tests decide how the step ends.
    """
    select_here(shared, f"{test}\n")
    (shared / ".devmind").chmod(0o755)
    os.chown(shared / ".devmind", OURS, OURS)
    ended = carry_out_inline("test", shared, user=TESTER, COMMAND="./runner")

    assert ended.code == code
    assert "no report could be kept" in ended.err
    assert (shared / "ran").read_text() == f"{test}\n"


def test_no_place_for_reports_decides_nothing(tmp_path, runner):
    """
    An image without mktemp or a place for it runs its tests all the same.
    """
    select_here(tmp_path, "a\n")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "rm", "tr", "xargs"):
        (programs / name).symlink_to(shutil.which(name))
    ended = carry_out_inline("test", tmp_path, path=str(programs), COMMAND=str(runner))

    assert (ended.code, (tmp_path / "ran").read_text()) == (0, "a\n")
