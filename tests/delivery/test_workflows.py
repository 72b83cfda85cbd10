"""Workflows: checked by the trade's own tools, and for what these leave to us."""

import re
import subprocess
import sysconfig

import pytest
import yaml

from tests.conftest import ROOT

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in FILES}
JOBS = {
    f"{file}.{name}": job
    for file, workflow in WORKFLOWS.items()
    for name, job in workflow["jobs"].items()
}
CHECKS = {
    "actionlint": ["actionlint", *map(str, FILES)],
    "zizmor": ["zizmor", "--offline", "--quiet", str(ROOT / ".github")],
    "workflow schema": [
        "check-jsonschema",
        "--builtin-schema",
        "vendor.github-workflows",
        *map(str, FILES),
    ],
    "dependabot schema": [
        "check-jsonschema",
        "--builtin-schema",
        "vendor.dependabot",
        str(ROOT / ".github" / "dependabot.yml"),
    ],
}


@pytest.mark.parametrize("command", CHECKS.values(), ids=CHECKS)
def test_the_tools_have_nothing_to_say(command):
    """
    Workflows are well formed, and without what attackers of workflows look for.
    """
    program = f"{sysconfig.get_path('scripts')}/{command[0]}"
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_run():
    """
    Lint, types, tests on both Pythons, security scans, an image on tags, manifest checks.
    """
    commands = {
        name: " ".join(str(step.get("run") or step.get("uses")) for step in job["steps"])
        for name, job in JOBS.items()
    }

    assert "make lint" in commands["ci.lint"]
    assert "make types" in commands["ci.lint"]
    assert "pytest" in commands["ci.test"]
    assert JOBS["ci.test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12"]
    assert "tests/manifests" in commands["ci.manifests"]
    assert "pip-audit" in commands["security.dependencies"]
    assert "bandit" in commands["security.code"]
    assert "trivy-action" in commands["security.files"]
    assert re.search(r"docker build.*trivy-action.*docker push", commands["image.build"], re.DOTALL)
    assert WORKFLOWS["image"][True] == {"push": {"tags": ["v*.*.*"]}}  # YAML 1.1 reads `on` so


@pytest.mark.parametrize("name", JOBS)
def test_a_job_may_do_little(name):
    """
    A workflow has no rights, a job those it names; only the image's may write, and only packages.
    """
    workflow = WORKFLOWS[name.partition(".")[0]]
    rights = JOBS[name]["permissions"]
    writing = {right for right, how in rights.items() if how == "write"}

    assert workflow["permissions"] == {}
    assert writing == ({"packages"} if name == "image.build" else set())
    assert JOBS[name]["timeout-minutes"] <= 90


def test_actions_are_pinned_by_hash():
    """
    Every action is named by a full commit, with its version beside it.
    """
    lines = [line.strip() for path in FILES for line in path.read_text().splitlines()]
    used = [line for line in lines if line.lstrip("- ").startswith("uses:")]

    assert used
    assert [
        u for u in used if not re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)+$", u)
    ] == []


def test_the_last_job_waits_for_all():
    """
    Branch protection needs one name: it is there, and misses no job.
    """
    jobs = WORKFLOWS["ci"]["jobs"]

    assert set(jobs["passed"]["needs"]) == set(jobs) - {"passed"}
    assert jobs["passed"]["if"] == "always()"
