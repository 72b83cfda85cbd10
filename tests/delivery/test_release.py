"""What becomes an image: the tag of a green commit of main, once, for both kinds of machine."""

import json
import os
import shutil
import subprocess

import pytest

from tests.conftest import ROOT
from tests.delivery.workflows import JOBS, script

TOOL = """#!/bin/sh
echo "$(basename "$0") $*" >> "$STATE/calls"
cat "$STATE/$(basename "$0").out"
cat "$STATE/$(basename "$0").err" >&2
exit "$(cat "$STATE/$(basename "$0").code")"
"""


class Checkout:
    """A repository with a commit on main and one beside it; `gh` and `docker` say what is set."""

    def __init__(self, folder):
        self.folder, self.state = folder / "checkout", folder / "state"
        self.state.mkdir()
        (self.folder / "scripts").mkdir(parents=True)
        shutil.copy(ROOT / "scripts" / "may-release", self.folder / "scripts")
        (self.folder / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
        self._git("init", "--quiet", "--initial-branch=main")
        self._git("add", ".")
        self.main = self._commit("on main")
        self._git("update-ref", "refs/remotes/origin/main", self.main)
        self.beside = self._commit("beside it")
        for tool in ("gh", "docker"):
            (self.state / tool).write_text(TOOL)
            (self.state / tool).chmod(0o755)
        self.says("gh", out="success\n")
        self.says("docker", err="manifest unknown\n", code=1)

    def _git(self, *words):
        command = ["git", "-c", "user.name=T", "-c", "user.email=t@example.org", *words]
        done = subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def _commit(self, message):
        self._git("commit", "--quiet", "--allow-empty", "--message", message)
        return self._git("rev-parse", "HEAD")

    def says(self, tool, *, out="", err="", code=0):
        for suffix, text in {"out": out, "err": err, "code": str(code)}.items():
            (self.state / f"{tool}.{suffix}").write_text(text)

    def may(self, tag="v1.2.3", commit=None):
        env = {
            "PATH": f"{self.state}:{os.environ['PATH']}",
            "STATE": str(self.state),
            "GITHUB_REF_NAME": tag,
            "GITHUB_SHA": commit or self.main,
            "GITHUB_REPOSITORY": "Example/devmind",
            "GITHUB_REPOSITORY_OWNER": "Example",
        }
        command = ["/bin/bash", "scripts/may-release"]
        return subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )


@pytest.fixture(name="checkout")
def _checkout(tmp_path):
    return Checkout(tmp_path)


def test_a_green_commit_of_main_may(checkout):
    """
    Its version and its image, in small letters, are given to the steps that follow.
    """
    ended = checkout.may()

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "version=1.2.3\nimage=ghcr.io/example/devmind-ml-service:1.2.3\n"
    assert "repos/Example/devmind/commits/" in (checkout.state / "calls").read_text()


REFUSED = {
    "another version": ({"tag": "v1.2.4"}, {}, "pyproject.toml says 1.2.3"),
    "red": ({}, {"gh": {"out": "failure\n"}}, "Passed is failure"),
    "not over": ({}, {"gh": {"out": "in_progress\n"}}, "When it is green"),
    "never run": ({}, {"gh": {"out": "absent\n"}}, "Passed is absent"),
    "there already": ({}, {"docker": {"out": "{}"}}, "exists already"),
    "no answer": (
        {},
        {"docker": {"err": "i/o timeout", "code": 1}},
        "cannot be asked: i/o timeout",
    ),
}


@pytest.mark.parametrize(("asked", "said", "why"), REFUSED.values(), ids=REFUSED)
def test_what_may_not(checkout, asked, said, why):
    """
    Another version, a commit that is not green, and a version that is out are refused, with reason.
    """
    for tool, how in said.items():
        checkout.says(tool, **how)
    ended = checkout.may(**asked)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("::error::")
    assert why in ended.stderr


def test_a_commit_beside_main_may_not(checkout):
    """
    A tag on a branch releases nothing.
    """
    ended = checkout.may(commit=checkout.beside)

    assert ended.returncode == 1
    assert "is not on main" in ended.stderr


def test_without_an_answer_of_github_it_may_not(checkout):
    """
    When GitHub cannot be asked how CI did, that ends it.
    """
    checkout.says("gh", err="HTTP 502\n", code=1)

    assert checkout.may().returncode != 0


def run(started, conclusion, app="github-actions"):
    status = "completed" if conclusion else "in_progress"
    return {
        "started_at": f"2027-01-0{started}T00:00:00Z",
        "status": status,
        "conclusion": conclusion,
        "app": {"slug": app},
    }


CHECKS = {
    "none": ([], "absent"),
    "another's": ([run(1, "success", app="somebody")], "absent"),
    "again, and green": ([run(2, "success"), run(1, "failure")], "success"),
    "again, and red": ([run(1, "success"), run(2, "failure")], "failure"),
    "running": ([run(1, None)], "in_progress"),
}


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs jq")
@pytest.mark.parametrize(("runs", "verdict"), CHECKS.values(), ids=CHECKS)
def test_the_newest_verdict_counts(runs, verdict):
    """
    Of several runs of the check the one that was started last decides, and only GitHub's own.
    """
    text = (ROOT / "scripts" / "may-release").read_text()
    query = text.partition("--jq '")[2].partition("'")[0]
    asked = json.dumps({"check_runs": runs})
    done = subprocess.run(
        ["jq", "--raw-output", query], input=asked, capture_output=True, text=True, check=True
    )

    assert done.stdout == f"{verdict}\n"


def test_an_image_is_for_both_kinds_of_machine():
    """
    Each is built on a machine of its kind, with its contents and its provenance; both are pushed.
    """
    machines = JOBS["image.build"]["strategy"]["matrix"]["include"]
    build = script("image.build", "buildx build")
    push = script("image.push", "imagetools create")
    kinds = {each["arch"]: each["runner"].endswith("-arm") for each in machines}

    assert kinds == {"amd64": False, "arm64": True}
    assert "--provenance=true" in build
    assert "--attest type=sbom" in build
    assert f"for arch in {' '.join(kinds)};" in push


def test_what_is_pushed_is_what_was_scanned():
    """
    The archive that was tried and scanned is the one that is handed on; no other job builds.
    """
    steps = JOBS["image.build"]["steps"]
    done = [str(step.get("run") or step["uses"]) for step in steps]
    built, loaded, scanned, kept = (
        next(place for place, text in enumerate(done) if word in text)
        for word in ("dest=image.tar", "oci-archive:image.tar", "trivy-action", "upload-artifact")
    )

    assert built < loaded < scanned < kept
    assert steps[kept]["with"]["path"] == "image.tar"
    assert JOBS["image.push"]["needs"] == ["check", "build"]
    assert JOBS["image.build"]["needs"] == "check"
    assert "docker load --input candidate.tar" in done[loaded]
