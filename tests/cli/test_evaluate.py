import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from devmind.cli.evaluate import INTERRUPTED, NEEDED, Wanted, checkout, job_arguments, run
from devmind.cli.exits import ExitCode, exit_code
from devmind.errors import UnreadableSource
from tests.conftest import ROOT


def devmind(*arguments, **env):
    return subprocess.run(
        [sys.executable, "-m", "devmind.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "120", "NO_COLOR": "1"} | env,
    )


def python(code):
    return [sys.executable, "-c", code]


def test_the_job_is_told_what_was_asked_for(tmp_path, monkeypatch):
    """
    Options reach the job by the names it knows; paths are absolute, as it runs elsewhere.
    """
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    wanted = Wanted(
        project="shop/web",
        last=500,
        history=Path("runs"),
        database_url="sqlite:////x.db",
        folder=Path("out"),
        seed=3,
        as_json=True,
    )

    assert job_arguments(wanted) == [
        "--project=shop/web",
        "--last=500",
        f"--history={tmp_path / 'runs'}",
        "--database-url=sqlite:////x.db",
        f"--folder={tmp_path / 'out'}",
        "--seed=3",
        "--json",
    ]
    assert job_arguments(Wanted()) == []


def test_a_project_cannot_be_taken_for_an_option():
    """
    A project's name that starts with dashes stays the value of its option.
    """
    assert job_arguments(Wanted(project="--folder=/etc")) == ["--project=--folder=/etc"]


def test_history_that_is_not_there_is_refused_at_once(tmp_path):
    """
    A wrong path is found out before anything is started.
    """
    with pytest.raises(UnreadableSource, match="--history"):
        job_arguments(Wanted(history=tmp_path / "nothing"))


def test_missing_libraries_are_named_with_what_to_do():
    """
    Where only the client is installed, the way to a checkout is shown, with the code of bad input.
    """
    with pytest.raises(UnreadableSource, match="make install") as raised:
        checkout({}, found=lambda name: None if name in {"torch", "xgboost"} else object())

    assert "no xgboost, torch" in str(raised.value)
    assert exit_code(raised.value) is ExitCode.BAD_INPUT


def test_a_checkout_with_its_libraries_is_found():
    """
    Here, where everything is installed, the code of this checkout evaluates.
    """
    assert checkout({}) == ROOT
    assert "numpy" in NEEDED


@pytest.mark.parametrize(
    ("ended", "expected"),
    [(0, ExitCode.OK), (1, ExitCode.UNEXPECTED), (2, ExitCode.BAD_INPUT), (9, ExitCode.UNEXPECTED)],
)
def test_the_end_of_the_job_becomes_an_exit_code(ended, expected):
    """
    How the job ended is said by the codes that all commands share.
    """
    assert run(python(f"raise SystemExit({ended})"), root=ROOT) == expected


def test_the_job_runs_in_the_checkout_and_writes_through(capfd, tmp_path):
    """
    What the job prints is what the command prints, on the same streams.
    """
    code = "import os, sys; print(os.getcwd()); print('half way', file=sys.stderr)"

    assert run(python(code), root=tmp_path) == ExitCode.OK

    out, err = capfd.readouterr()
    assert out.strip() == str(tmp_path)
    assert err.strip() == "half way"


def test_ctrl_c_ends_the_job_too(tmp_path):
    """
    An interrupted command leaves no job behind and ends with the shell's code for it.
    """
    pid = tmp_path / "pid"
    job = f"import os, time, pathlib; pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); "
    job += "time.sleep(60)"
    outer = (
        "import sys; from pathlib import Path; from devmind.cli.evaluate import run; "
        f"sys.exit(run([sys.executable, '-c', {job!r}], root=Path('.')))"
    )
    with subprocess.Popen(
        python(outer), cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True
    ) as command:
        while not (pid.exists() and pid.read_text()):
            assert command.poll() is None
            time.sleep(0.05)
        command.send_signal(signal.SIGINT)

    assert command.returncode == INTERRUPTED
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_the_job_knows_every_option_that_it_is_given(tmp_path):
    """
    What the command passes on, the real job understands.
    """
    everything = Wanted(
        project="shop",
        last=5,
        history=tmp_path,
        database_url="sqlite:////x.db",
        folder=tmp_path,
        seed=3,
        as_json=True,
    )
    given = {argument.partition("=")[0] for argument in job_arguments(everything)}
    command = [sys.executable, "-m", "evaluation.job", "--help"]

    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert {option for option in given if option not in shown} == set()


def test_two_projects_are_one_too_many():
    """
    Asking for two projects at once is refused with both names.
    """
    done = devmind("evaluate", "shop", "--project", "bank")

    assert done.returncode == ExitCode.BAD_INPUT
    assert "shop, bank" in done.stderr


def test_help_teaches_with_an_example():
    """
    The help says what is measured, what it needs, and shows a command to copy.
    """
    done = devmind("evaluate", "--help")

    assert done.returncode == 0
    assert "devmind evaluate shop/web --last 500 --folder report/" in done.stdout
    assert "make install" in done.stdout
