"""scripts.make_secrets, against a stand-in for kubectl."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.delivery.programs import Machine

LOCAL = ("devmind-ray", "devmind-api-keys", "devmind-database")


@pytest.fixture(name="machine")
def _machine(tmp_path):
    return Machine(tmp_path, ["kubectl"])


def make(machine, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "scripts.make_secrets", *arguments],
        cwd=ROOT,
        env=machine.env(),
        capture_output=True,
        text=True,
        check=False,
    )


def store(machine, place="local", *arguments):
    return make(machine, place, "--namespace", "here", "--context", "kind-dev", *arguments)


def test_each_is_stored_by_itself(machine):
    """
    What is there is left alone, what is not is made, and the key is said with its Secret.
    """
    machine.remember("secrets", "devmind-ray\n")
    said = store(machine).stdout.splitlines()

    assert [line.partition(": ")[0] for line in said] == [
        "secret/devmind-ray",
        "secret/devmind-api-keys",
        "API key",
        "secret/devmind-database",
    ]
    assert [line.rpartition(" ")[2] for line in (said[0], said[1], said[3])] == [
        *("already", "created", "created"),
    ]
    assert all("--context kind-dev --namespace here" in call for call in machine.calls)


def test_again_it_makes_nothing_and_says_no_key(machine):
    """
    A key that was not stored would be of no use.
    """
    store(machine)
    again = store(machine)

    assert again.returncode == 0
    assert "API key" not in again.stdout + again.stderr


def test_a_key_that_is_refused_is_not_said(machine):
    """
    When its Secret cannot be stored, what kubectl says is all.
    """
    machine.rules("create=1")
    ended = store(machine)

    assert (ended.returncode, ended.stderr) == (1, "stand-in: create\n")
    assert "dm_" not in ended.stdout


def test_a_new_key_replaces_one_secret(machine):
    """
    --new-key replaces that of the keys alone.
    """
    machine.remember("secrets", "\n".join(LOCAL))
    said = store(machine, "local", "--new-key").stdout

    assert "secret/devmind-api-keys: replaced\nAPI key: dm_" in said
    assert said.count("there already") == 2


def test_passwords_that_are_shared_are_made_together(machine):
    """
    A part of the Secrets that hold one password could not agree with the rest.
    """
    machine.remember("secrets", "devmind-postgres")
    ended = store(machine, "production")

    assert ended.returncode == 1
    assert "only devmind-postgres is there" in ended.stderr
    assert not machine.called("kubectl", "create")


def test_without_a_namespace_it_prints_them(machine):
    """
    For a pipe to kubectl: Secrets on stdout, and on stderr when the key will be of use.
    """
    ended = make(machine, "local")
    names = [each["metadata"]["name"] for each in json.loads(ended.stdout)["items"]]

    assert tuple(names) == LOCAL
    assert "once kubectl has said secret/devmind-api-keys created: dm_" in ended.stderr
    assert machine.calls == []


@pytest.mark.parametrize("arguments", [[], ["laptop"], ["local", "--new-key"]])
def test_wrong_use(machine, arguments):
    """
    An unknown place, and a new key that nobody would store, are refused.
    """
    assert make(machine, *arguments).returncode == 2


def test_it_needs_nothing_that_is_installed():
    """
    Keys are made and a deployment is awaited by the standard library and this checkout alone.
    """
    code = "import scripts.make_secrets, scripts.await_service"
    words = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, '.'); {code}"]

    assert subprocess.run(words, cwd=ROOT, check=False).returncode == 0
