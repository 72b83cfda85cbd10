import shutil
import subprocess

import pytest

from tests.conftest import ROOT

TARGETS = (
    "up",
    "down",
    "test",
    "lint",
    "types",
    "format",
    "bench-models",
    "bench-history",
    "bench-serving",
    "soak",
    "clean",
)


@pytest.fixture
def copy(tmp_path):
    """A checkout in which nothing was ever installed."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "scripts" / "make-venv", tmp_path / "scripts")
    return tmp_path


def make(folder, *arguments):
    command = ["make", "-C", str(folder), "--no-print-directory", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_make_lists_what_there_is(copy):
    """
    `make` alone explains every target, and installs nothing.
    """
    listed = make(copy)

    assert listed.returncode == 0
    assert all(f"make {target} " in listed.stdout for target in TARGETS)
    assert not (copy / ".venv").exists()


def test_down_before_up(copy):
    """
    `make down` where nothing was ever installed says so and succeeds.
    """
    ended = make(copy, "down")

    assert ended.returncode == 0
    assert "Nothing to stop" in ended.stdout


def test_a_history_is_passed_on(copy):
    """
    `make up HISTORY=PATH` becomes an option, blanks included; without it there is none.
    """
    for name in ("pyproject.toml", "constraints.txt"):
        (copy / name).touch()
    program = copy / ".venv" / "bin" / "devmind"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\nfor word in "$@"; do echo "<$word>"; done\n')
    program.chmod(0o755)
    (copy / ".venv" / ".installed").touch()

    assert make(copy, "up").stdout == "<up>\n"
    with_history = make(copy, "up", "HISTORY=../my runs", "ARGS=--port 8080")
    assert with_history.stdout.split("\n")[:-1] == [
        *("<up>", "<--history>", "<../my runs>", "<--port>", "<8080>")
    ]


def test_no_suitable_python(copy):
    """
    Without Python 3.11 or 3.12 the message says what is needed.
    """
    script = copy / "scripts" / "make-venv"
    ended = subprocess.run(
        ["/bin/sh", str(script), str(copy / ".venv")],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": str(copy)},
    )

    assert ended.returncode == 1
    assert "Python 3.11 or 3.12 is needed" in ended.stderr
