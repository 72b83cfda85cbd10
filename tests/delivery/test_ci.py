"""The scripts that CI runs: they install what tests start, leave clusters alone, and say skips."""

import os
import stat
import subprocess
import sys

import pytest

from scripts.say_skipped import annotation
from tests.conftest import ROOT

SERVERS = {
    "redis-server": "redis-server",
    "promtool": "prometheus",
    "bwrap": "bubblewrap",
    "nft": "nftables",
    "ip": "iproute2",
    "wget": "wget",
}
NOTE = '#!/bin/sh\necho "$(basename "$0") $*" >> "$STATE"\n'
ON_DEBIAN = {
    "id": "#!/bin/sh\necho 0\n",
    "apt-get": NOTE,
    "systemctl": NOTE,
    "env": '#!/bin/sh\nshift\nexec "$@"\n',
}


def install(folder, programs):
    """Run the script on a machine that has *programs* and nothing else; also what it called."""
    bin_, calls = folder / "bin", folder / "calls"
    bin_.mkdir()
    for name in ("basename", "cat"):
        (bin_ / name).symlink_to(f"/usr/bin/{name}")
    for name, text in programs.items():
        (bin_ / name).write_text(text)
        (bin_ / name).chmod(0o755)
    ended = subprocess.run(
        ["/bin/bash", str(ROOT / "scripts" / "install-servers")],
        env={"PATH": str(bin_), "STATE": str(calls)},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended, calls.read_text().splitlines() if calls.exists() else []


def test_what_is_missing_is_installed_and_stopped(tmp_path):
    """
    Every package is named in one go; servers that Debian starts are stopped again.
    """
    ended, calls = install(tmp_path, ON_DEBIAN)

    assert ended.returncode == 0, ended.stderr
    assert calls[0] == "apt-get update -q"
    assert set(SERVERS.values()) <= set(calls[1].split())
    assert calls[1].startswith("apt-get install -q -y --no-install-recommends ")
    stopped = [call.split()[-1] for call in calls[2:]]
    assert set(stopped) - {"postgresql"} == {"redis-server", "prometheus"}


def test_what_is_there_is_left_alone(tmp_path):
    """
    On a machine that has everything nothing is called.
    """
    there = dict.fromkeys([*SERVERS, "postgres"], NOTE)

    ended, calls = install(tmp_path, ON_DEBIAN | there)

    assert (ended.returncode, calls) == (0, [])


@pytest.mark.parametrize("lacks", ["apt-get", "root"])
def test_what_cannot_be_installed_is_named(tmp_path, lacks):
    """
    Without Debian's tools, or the right to use them, the script says what is missing and fails.
    """
    programs = dict(ON_DEBIAN)
    if lacks == "root":
        programs["id"] = "#!/bin/sh\necho 1000\n"
    else:
        del programs[lacks]

    ended, calls = install(tmp_path, programs)

    assert (ended.returncode, calls) == (1, [])
    assert "redis-server prometheus bubblewrap" in ended.stderr
    assert ended.stderr.rstrip().endswith("cannot be installed here.")


@pytest.mark.parametrize("script", ["install-servers", "may-release"])
def test_they_can_be_run(script):
    """
    The scripts may be executed as they are.
    """
    assert (ROOT / "scripts" / script).stat().st_mode & stat.S_IXUSR


def test_make_test_touches_no_cluster(tmp_path):
    """
    Neither part of `make test` holds a test that deploys, whatever cluster the environment names.
    """
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nfor word in "$@"; do last=$word; done\necho "$last"\n')
    python.chmod(0o755)
    command = ["/bin/sh", str(ROOT / "scripts" / "run-tests"), str(python)]
    env = {"PATH": os.environ["PATH"], "DEVMIND_E2E_CONTEXT": "production", "THOROUGH": "1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)

    first, second = done.stdout.splitlines()
    assert deploying(f"({first}) or ({second})") == []
    assert deploying("e2e_cluster") != []


def deploying(expression):
    """Return the tests that an expression picks, of the files that deploy."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    folder = ROOT / "tests" / "e2e_cluster"
    files = [
        str(path) for path in folder.glob("test_*.py") if "mark.e2e_cluster" in path.read_text()
    ]
    done = subprocess.run(
        [*command, "-m", expression, *files], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 5), done.stdout
    return [line for line in done.stdout.splitlines() if "::test_" in line]


REPORT = """<testsuites><testsuite>
<testcase name="a"/>
<testcase name="b"><skipped type="pytest.skip" message="schemas are absent"/></testcase>
<testcase name="c"><skipped type="pytest.xfail" message="known"/></testcase>
</testsuite></testsuites>"""


def test_skips_are_counted_and_reasoned():
    """
    One warning over all reports: how many of how many, each reason once; no expected failures.
    """
    other = REPORT.replace('"b"', '"d"').replace("absent", "99% absent\n")

    assert annotation([REPORT, REPORT, other.replace("\n", "&#10;", 4)]) == (
        "::warning title=3 of 9 tests were skipped::"
        "2 x schemas are absent%0A1 x schemas are 99%25 absent%0A"
    )


def test_a_run_without_skips_says_so(tmp_path):
    """
    Then it is a notice; a report that is absent belongs to a step that failed.
    """
    (tmp_path / "tests.xml").write_text("<testsuite><testcase/></testsuite>")
    command = [sys.executable, "-m", "scripts.say_skipped"]
    done = subprocess.run(
        [*command, str(tmp_path / "tests.xml"), "absent.xml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    none = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.stdout == "::notice title=No test was skipped::1 tests ran\n"
    assert (none.returncode, none.stderr) == (1, "::error::there is no report of tests\n")
