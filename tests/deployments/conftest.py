from __future__ import annotations

import pytest

from history.open import open_history


@pytest.fixture(name="store")
def _store(tmp_path):
    """A real history on SQLite."""
    with open_history(f"sqlite:///{tmp_path / 'history.db'}") as store:
        yield store
