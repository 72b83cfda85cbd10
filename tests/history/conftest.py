"""Histories on both databases."""

from __future__ import annotations

from itertools import count

import pytest

from history.open import open_history

_ticket = count(1)


@pytest.fixture(name="store")
def _store(database_url):
    """An empty history, on SQLite and on PostgreSQL."""
    with open_history(database_url) as store:
        yield store


@pytest.fixture(
    name="shared_store",
    scope="module",
    params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)],
)
def _shared_store(request, tmp_path_factory):
    """One history for all examples of a property; each example takes a project of its own."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('shared') / 'history.db'}"
    else:
        url = request.getfixturevalue("postgres_server").create_database(f"shared{next(_ticket)}")
    with open_history(url) as store:
        yield store


@pytest.fixture(name="new_project", scope="module")
def _new_project():
    """Names a project that no test has used."""
    return lambda: f"project-{next(_ticket)}"
