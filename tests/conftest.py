"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from devmind import logs

ROOT = Path(__file__).resolve().parent.parent

pytest_plugins = ["tests.postgres.fixtures"]

logs.configure(json=True)  # as in production; drawing a traceback takes seconds
settings.register_profile("untimed", deadline=None)  # a loaded machine breaks no promise
settings.load_profile("untimed")


@pytest.fixture(name="ci_data", scope="session")
def _ci_data() -> Path:
    """Real CI data: the folder that `DEVMIND_DATA` names, `../shared/data` by default."""
    folder = Path(os.environ.get("DEVMIND_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").is_file():
        pytest.skip(f"real CI data is absent: {folder} does not exist; set DEVMIND_DATA")
    return folder
