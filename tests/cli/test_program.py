import json
import os
import subprocess
import sys

import pytest

import devmind as package
from tests.cli.service import problem

HEAVY = ("httpx", "pydantic", "rich", "structlog", "ijson", "defusedxml", "numpy", "ray")
COMMANDS = {
    *("import", "predict", "remaining", "select", "assess", "evaluate", "status"),
    *("train", "promote", "rollback", "up", "down", "record", "key", "version"),
}


def program(*arguments, **env):
    command = [sys.executable, "-m", "devmind.cli", *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env=dict(os.environ) | env
    )


def test_a_process_ends_with_the_code(service):
    """
    As a real process too, trouble is one line on stderr, no traceback, and its exit code.
    """
    trouble = problem(401, "not-authenticated", "This service needs a key.")
    service.answers("POST", "/api/v1/build-optimizer/predict", trouble)

    ended = program("predict", "--project", "p", "--changed", "a", DEVMIND_URL=service.url)

    assert (ended.returncode, ended.stdout) == (6, "")
    assert ended.stderr == "devmind: This service needs a key.\n"


def test_the_version():
    """
    `devmind version` says which one this is, to people and to programs.
    """
    assert program("version").stdout == f"{package.__version__}\n"
    assert json.loads(program("version", "--json").stdout) == {"version": package.__version__}


def test_starting_is_light():
    """
    Until a command needs them, no HTTP client, no validation and no tables are loaded.
    """
    code = f"import sys, devmind.cli; print([m for m in {HEAVY} if m in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert ended.stdout == "[]\n"


def test_every_command_is_there(devmind):
    """
    The help page lists every command.
    """
    listed = devmind("--help").out

    assert all(f" {command} " in listed for command in COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS - {"record", "key", "version"}))
def test_help_teaches_by_example(devmind, command):
    """
    The help page of each command shows how it is called.
    """
    ended = devmind(command, "--help")

    assert ended.code == 0
    assert f"devmind {command}" in ended.out.replace("Usage: devmind", "")


def test_completion_can_be_shown():
    """
    The shell's completion is there to install.
    """
    ended = program("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")

    assert "devmind" in ended.stdout.lower()
