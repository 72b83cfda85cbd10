"""Open the history: the one place that turns a database URL into stores."""

from __future__ import annotations

from history.database import Database, open_database
from history.jobs import JobStore
from history.migrate import check, migrate
from history.predictions import PredictionStore
from history.store import HistoryStore


def open_history(url: str, *, migrate: bool = True) -> HistoryStore:
    """Open the history at *url*.

    Args:
        url: `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/DATABASE`.
        migrate: Whether to create or upgrade the tables; safe in many processes at once.

    Raises:
        InvalidInput: If *url* names no database of a known kind.
        HistorySchemaMismatch: If the database is newer than the code; or older, unless *migrate*.
        HistoryUnavailable: If the database does not answer.
    """
    return HistoryStore(_opened(url, upgrade=migrate))


def open_jobs(url: str, *, migrate: bool = True) -> JobStore:
    """Open the training jobs at *url*; arguments and errors as in `open_history`."""
    return JobStore(_opened(url, upgrade=migrate))


def open_predictions(url: str, *, migrate: bool = True) -> PredictionStore:
    """Open the remembered predictions at *url*; arguments and errors as in `open_history`."""
    return PredictionStore(_opened(url, upgrade=migrate))


def _opened(url: str, *, upgrade: bool) -> Database:
    database = open_database(url)
    try:
        (migrate if upgrade else check)(database)
    except BaseException:
        database.close()
        raise
    return database
