"""Where MLflow lives and how to talk to it: quietly, one at a time, without repeating secrets."""

from __future__ import annotations

import fcntl
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from devmind.errors import shorten

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "GIT_PYTHON_REFRESH": "quiet",
}
_SOON = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
"""MLflow's own defaults keep trying an absent server for minutes."""
_CREDENTIALS = re.compile(r"//[^/@\s]*@")


class TrackingAddress:
    """An MLflow tracking URI and what follows from it.

    Args:
        uri: A database (`sqlite:///...`) or a server (`http://...`); may hold credentials.
        artifacts: Folder of artifacts when *uri* is a database.
    """

    def __init__(self, uri: str, artifacts: Path) -> None:
        self.uri = uri
        self._artifacts = artifacts

    @property
    def is_server(self) -> bool:
        """Whether MLflow runs elsewhere and keeps its artifacts itself."""
        return self.uri.startswith(("http://", "https://"))

    def shown(self) -> str:
        """Return the address without user, password, path and query.

        Example:
            >>> TrackingAddress("https://ann:secret@mlflow.example:5000/x", Path("a")).shown()
            'https://mlflow.example:5000'
        """
        parts = urlsplit(self.uri)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}" if host else f"{parts.scheme} database"

    def artifact_location(self, experiment: str) -> str | None:
        """Return where an experiment's artifacts go; `None` leaves it to the server."""
        return None if self.is_server else (self._artifacts.resolve() / experiment).as_uri()

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Make the folders, silence MLflow, and let one process at a time create its tables."""
        for name, value in {**_QUIET, **_SOON}.items():
            os.environ.setdefault(name, value)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        if self.is_server:
            yield
            return
        self._artifacts.mkdir(parents=True, exist_ok=True)
        if self.uri.startswith("sqlite:///"):
            Path(self.uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        with (self._artifacts / ".opening").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def reason(self, error: Exception) -> str:
        """Say what went wrong at this address, without anything secret."""
        said = str(error).strip().partition("\n")[0].replace(self.uri, self.shown())
        said = _CREDENTIALS.sub("//", said)
        return (
            f"the registry at {self.shown()} failed ({type(error).__name__}: {shorten(said, 300)})"
        )
