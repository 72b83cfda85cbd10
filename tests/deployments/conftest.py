from __future__ import annotations

import pytest

from history.open import open_history
from models.bundle import pack
from models.names import MODELS
from tests.deployments.company import bundle


@pytest.fixture(name="store")
def _store(tmp_path):
    """A real history on SQLite."""
    with open_history(f"sqlite:///{tmp_path / 'history.db'}") as store:
        yield store


@pytest.fixture(name="packed", scope="module")
def _packed(tmp_path_factory):
    """A packed bundle of each model."""
    folder = tmp_path_factory.mktemp("company")
    return {model: pack(bundle(model, folder, folder / model)) for model in MODELS}
