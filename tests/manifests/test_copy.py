"""A copy with names of its own, made as the documentation says, passes its own checks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

from tests.conftest import ROOT

DOCUMENT = ROOT / "docs" / "kubernetes.md"
CHECKS = ["tests/manifests/test_manifests.py", "tests/monitoring/test_dashboards.py"]


def test_a_copy_with_names_of_its_own_passes_its_own_checks(kubectl, tmp_path):
    """
    After the documented command no placeholder is left in what is deployed, and whatever is
    rendered from the copy agrees as it did before.
    """
    said = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, said.split("\0")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for words in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    (command,) = re.findall(r"```\n *(git grep .*?)```", DOCUMENT.read_text(), re.DOTALL)
    subprocess.run(["sh", "-euc", command], cwd=tmp_path, check=True)
    left = subprocess.run(
        ["git", "grep", "-lE", "YOUR_(GITHUB|DOMAIN)", "--", "k8s", "kuberay"],
        cwd=tmp_path,
        check=False,
    )
    here = {"PYTHONPATH": str(tmp_path), "DEVMIND_KUBECTL": str(kubectl), "PYTEST_ADDOPTS": ""}
    checked = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *CHECKS],
        cwd=tmp_path,
        env={**os.environ, **here},
        capture_output=True,
        text=True,
        check=False,
    )

    assert left.returncode == 1
    assert checked.returncode == 0, checked.stdout[-4000:]
    assert "acme" in (tmp_path / "k8s/production/kustomization.yaml").read_text()
