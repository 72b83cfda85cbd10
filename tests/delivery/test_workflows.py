"""Workflows: checked by the trade's own tools, and for what these leave to us."""

import re
import subprocess
import sysconfig

import pytest

from tests.conftest import ROOT
from tests.delivery.workflows import FILES, JOBS, WORKFLOWS, bash, commands, script

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
    done = commands()

    assert "make lint" in done["ci.lint"]
    assert "make types" in done["ci.lint"]
    assert 'pytest -m "not e2e_cluster"' in done["ci.test"]
    assert JOBS["ci.test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12"]
    assert "tests/manifests" in done["ci.manifests"]
    assert "pip-audit --strict" in done["security.dependencies"]
    assert "bandit" in done["security.code"]
    assert "trivy-action" in done["security.files"]
    assert re.search(r"buildx build.*trivy-action.*upload-artifact", done["image.build"], re.DOTALL)
    assert re.search(r"download-artifact.*skopeo copy.*attest", done["image.push"], re.DOTALL)
    assert WORKFLOWS["image"][True] == {"push": {"tags": ["v*.*.*"]}}  # YAML 1.1 reads `on` so


WRITES = {"image.push": {"packages", "id-token", "attestations"}}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_may_do_little(name):
    """
    A workflow has no rights, a job those it names; one may write, and runs nothing of ours.
    """
    workflow = WORKFLOWS[name.partition(".")[0]]
    rights = JOBS[name]["permissions"]
    writing = {right for right, how in rights.items() if how == "write"}

    assert workflow["permissions"] == {}
    assert writing == WRITES.get(name, set())
    assert not (writing and "checkout" in commands()[name])
    assert JOBS[name]["timeout-minutes"] <= 90


@pytest.mark.parametrize("job", ["ci.test", "ci.manifests"])
def test_tests_find_their_servers_and_say_what_they_skipped(job):
    """
    Servers are installed as by `.ci/run`, and what was skipped stands on the run's page.
    """
    done = commands()[job]
    reports = re.findall(r"--junit-xml=(\S+)", done)

    assert "scripts/install-servers" in done
    assert "scripts/install-servers" in (ROOT / ".ci" / "run").read_text()
    assert script(job, "say_skipped").split()[3:] == reports
    assert JOBS[job]["steps"][-1]["if"] == "${{ !cancelled() }}"


def test_a_cache_is_for_ci_alone():
    """
    Pull requests are quicker by a cache of packages; nothing that is released comes out of one.
    """
    cached = {
        name
        for name, job in JOBS.items()
        for step in job["steps"]
        if "cache" in step.get("with", {})
    }

    assert cached == {"ci.lint", "ci.test", "ci.manifests"}


@pytest.mark.parametrize("job", ["ci.image", "image.check"])
def test_an_unset_index_is_said_at_once(job):
    """
    Without the index of PyTorch's CPU builds the first step ends the job and names what to set.
    """
    first = JOBS[job]["steps"][0]["run"]
    without = bash(first, TORCH_INDEX="")

    assert without.returncode == 1
    assert "::error::Set the repository variable TORCH_INDEX" in without.stdout
    assert bash(first, TORCH_INDEX="file:///wheels").returncode == 0


RESULTS = {
    "all green": ("success", "success success success", 0),
    "no image, of a fork": ("skipped", "success success success", 0),
    "no image, red": ("failure", "success success success", 1),
    "red": ("success", "success failure success", 1),
    "left out": ("success", "success success skipped", 1),
    "red, of a fork": ("skipped", "success cancelled success", 1),
}


@pytest.mark.parametrize(("image", "others", "code"), RESULTS.values(), ids=RESULTS)
def test_passed_is_green_when_all_are(image, others, code):
    """
    Only the image may be left out, for pull requests of forks, and that is said.
    """
    ended = bash(script("ci.passed", "OTHERS"), IMAGE=image, OTHERS=others)

    assert ended.returncode == code
    assert ("::notice title=No image was built" in ended.stdout) == (image == "skipped")


def test_an_image_is_built_but_for_forks():
    """
    The image's job is left out only where the index is unset and the change comes from a fork.
    """
    assert JOBS["ci.image"]["if"] == (
        "vars.TORCH_INDEX != '' || github.event.pull_request.head.repo.fork != true"
    )
    assert [name for name, job in JOBS.items() if name.startswith("ci.") and "if" in job] == [
        *("ci.image", "ci.passed")
    ]


def test_manifests_are_rendered_by_the_pinned_kubectl():
    """
    Not by the one that happens to be on the machine.
    """
    render = script("ci.manifests", "kustomization.yaml")

    assert render.startswith("kubectl=$(.venv/bin/python -m scripts.fetch_kubectl)\n")
    assert '"$kubectl" kustomize' in render
    assert not re.search(r"^\s*kubectl ", render, re.MULTILINE)


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
