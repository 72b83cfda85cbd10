"""The shell scripts: what holds for each of them, and the short ones."""

import re
import subprocess
import sysconfig

import pytest

from tests.conftest import ROOT
from tests.delivery.programs import Machine

SCRIPTS = (
    "build-image",
    "deploy-local.sh",
    "install-kuberay",
    "local-clusters.sh",
    "make-venv",
    "start-dashboards.sh",
)
NEWER_THAN_A_MAC = re.compile(r"\bdeclare -A|\bmapfile|\breadarray|\$\{\w+,,|\$\{\w+\^\^|\|&|&>>")
"""What bash 3.2, which macOS has, does not know."""


@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck_has_nothing_to_say(script):
    """
    The scripts follow the rules of the trade.
    """
    program = f"{sysconfig.get_path('scripts')}/shellcheck"
    done = subprocess.run(
        [program, "-x", f"scripts/{script}"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_bash_of_macos_will_do(script):
    """
    Nothing newer than bash 3.2 is used, where an empty array must not be expanded under `set -u`.
    """
    text = (ROOT / "scripts" / script).read_text()
    expanded = set(re.findall(r"\$\{(\w+)\[@\]\}", text))
    counted = set(re.findall(r"\$\{#(\w+)\[@\]\}", text))
    full = set(re.findall(r"^(\w+)=\($", text, re.MULTILINE))

    assert NEWER_THAN_A_MAC.findall(text) == []
    assert expanded - counted - full == set()


@pytest.fixture(name="machine")
def _machine(tmp_path):
    return Machine(tmp_path, ["docker"])


def test_an_image_is_built_without_attestations(machine):
    """
    `make image` builds with what TORCH_INDEX names; nothing that holds the time is added.
    """
    ended = machine.run("build-image", "some:tag", TORCH_INDEX="file:///w")

    assert ended.returncode == 0
    assert machine.calls == [
        "docker build --build-arg TORCH_INDEX=file:///w --build-arg ALLOW_GPU= --tag some:tag ."
    ]


def test_whether_an_image_could_be_built(machine):
    """
    --check builds nothing; without a choice of PyTorch it says where the address is found.
    """
    assert machine.run("build-image", "--check", GPU_TORCH="1").returncode == 0
    ended = machine.run("build-image", "--check")

    assert (ended.returncode, machine.calls) == (2, [])
    assert "Get started" in ended.stderr


def test_the_runbook_reads_logs_of_a_container_that_is_there():
    """
    What is pasted in the night works: container and roles are those of the RayService.
    """
    logs = re.findall(r"logs -l (\S+)=(\S+) -c (\S+)", (ROOT / "docs/runbook.md").read_text())
    service = (ROOT / "kuberay/rayservice/rayservice.yaml").read_text()

    assert len(logs) == 2
    for label, role, container in logs:
        assert f"{label}: {role}\n" in service
        assert f"- name: {container}\n" in service
