"""What is scanned for holes and watched for new versions, and what is ignored on purpose."""

import itertools
import json
import re
import shlex
import subprocess
import sys
import sysconfig

import yaml

from scripts.third_party_images import manifests, third_party
from tests.conftest import ROOT
from tests.delivery.workflows import JOBS, script


def test_bandit_has_nothing_to_say():
    """
    The scan of our code, with the workflow's own arguments, finds nothing.
    """
    program, *arguments = shlex.split(script("security.code", "--severity-level"))
    done = subprocess.run(
        [f"{sysconfig.get_path('scripts')}/{program}", "--quiet", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


def scans():
    """Return the settings of each Trivy scan by the name of its job."""
    return {
        name: step["with"]
        for name, job in JOBS.items()
        for step in job["steps"]
        if "trivy-action" in step.get("uses", "")
    }


def test_images_are_scanned():
    """
    What is built, what is released, and every week what is published and what others publish.
    """
    found = scans()
    weekly = {name for name in found if JOBS[name].get("if") == "github.event_name == 'schedule'"}

    assert {name for name, how in found.items() if how["scan-type"] == "image"} == {
        *("ci.image", "image.build", "security.published", "security.others")
    }
    assert weekly == {"security.published"}
    assert JOBS["security.others"]["needs"] == "named"
    assert JOBS["security.named"]["if"] == JOBS["security.published"]["if"]
    assert all(how["trivyignores"] == ".trivyignore" for how in found.values())
    assert all(how["exit-code"] == "1" for how in found.values())


REASONED = """\
# Debian has no fix, and nothing of ours reads such files.
CVE-2026-1 exp:2027-01-31
"""


def unreasoned(text):
    """Return the entries of an ignore file that have no reason above them, or no day."""
    lines = ["", *text.splitlines()]
    return [
        line
        for above, line in itertools.pairwise(lines)
        if line
        and not line.startswith("#")
        and not (above.startswith("# ") and re.search(r" exp:\d{4}-\d\d-\d\d$", line))
    ]


def test_what_is_not_mended_has_a_reason_and_a_day():
    """
    A finding of Trivy is ignored for a reason that is said, and until a day that is said.
    """
    assert unreasoned(REASONED) == []
    assert unreasoned("CVE-2026-1 exp:2027-01-31") == ["CVE-2026-1 exp:2027-01-31"]
    assert unreasoned("# Because.\nCVE-2026-1") == ["CVE-2026-1"]
    assert unreasoned((ROOT / ".trivyignore").read_text()) == []


def test_versions_of_everything_are_watched():
    """
    Actions, packages, providers, the base image, and each folder that names an image of others.
    """
    config = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())
    watched = {
        (each["package-ecosystem"], folder)
        for each in config["updates"]
        for folder in each.get("directories", [each.get("directory")])
    }
    folders = {
        f"/{path.parent.relative_to(ROOT)}"
        for path in manifests()
        if any("kuberay/operator" not in name for name in third_party([path.read_text()]))
    }

    assert {("github-actions", "/"), ("pip", "/"), ("terraform", "/k8s/cloudflare")} < watched
    assert {folder for kind, folder in watched if kind == "docker"} == {"/", *folders}


def named(value):
    """Yield what stands under `image` anywhere in an object."""
    if isinstance(value, dict):
        yield from (each for key, each in value.items() if key == "image" and each)
        yield from (image for each in value.values() for image in named(each))
    elif isinstance(value, list):
        yield from (image for each in value for image in named(each))


def test_every_image_of_others_is_scanned():
    """
    The matrix of scans is what a reader of YAML finds in the manifests, KubeRay's operator too.
    """
    objects = [
        each
        for path in manifests()
        for each in yaml.safe_load_all(path.read_text())
        if isinstance(each, dict) and each.get("kind") != "Kustomization"
    ]
    found = {image for image in named(objects) if isinstance(image, str)}
    others = {image for image in found if "devmind-ml-service" not in image and "$" not in image}
    listed = subprocess.run(
        [sys.executable, "-m", "scripts.third_party_images"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert set(json.loads(listed.stdout)) == {*others, "quay.io/kuberay/operator:v1.7.0"}
    assert "python3 -m scripts.third_party_images" in script("security.named", "images=")
    assert all(":" in image for image in others)
