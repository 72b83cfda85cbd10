"""What holds for the project as a whole."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile

import pytest

from tests.conftest import ROOT

PACKAGES = (
    "devmind",
    "history",
    "features",
    "models",
    "training",
    "deployments",
    "evaluation",
    "benchmarks",
)


def sources():
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


def test_no_source_file_looks_like_a_test():
    """
    pytest, and a reader, can tell tests from sources by their names.
    """
    assert [path.name for path in sources() if path.name.startswith("test_")] == []


def test_no_source_file_is_named_for_nothing():
    """
    A file's name says what lives in it.
    """
    vague = {"utils", "helpers", "helper", "manager", "info", "data", "common", "misc"}

    assert set() == vague & {path.stem for path in sources()}


def test_nothing_is_unpickled():
    """
    No source reads a pickle, whoever wrote it.
    """
    readers = ("pickle.load", "joblib.load", "torch.load", "allow_pickle=True")

    assert [
        f"{path.name}: {word}" for path in sources() for word in readers if word in path.read_text()
    ] == []


def test_every_dependency_is_pinned():
    """
    Whatever `pyproject.toml` asks for has one version in `constraints.txt`.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [project["dependencies"], *project["optional-dependencies"].values()]
    names = {_name(line) for lines in wanted for line in lines}
    pinned = {
        _name(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    }

    assert set() == names - pinned


def test_the_wheel_holds_the_client_alone(tmp_path):
    """
    Installing the client in a CI job shadows nobody's own packages.
    """
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(tmp_path), "."]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")

    folders = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {"devmind", "devmind_pipeline-0.1.0.dist-info"} == folders


@pytest.mark.parametrize("module", ["devmind.cli", "devmind.client", "devmind.readers"])
def test_the_client_is_light(module):
    """
    What a CI job imports loads no server library.
    """
    heavy = "{'numpy', 'ray', 'fastapi', 'sqlalchemy', 'mlflow', 'torch', 'pyarrow', 'xgboost'}"
    check = f"import {module}, sys; print(sorted({heavy} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def _name(requirement):
    for mark in "[<>=!~ ;":
        requirement = requirement.split(mark)[0]
    return requirement.lower().replace("_", "-").replace(".", "-")
