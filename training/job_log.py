"""What a training job writes about itself, kept where it survives the job and its cluster."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from devmind.errors import HistoryUnavailable

FLUSH_AT = 4096
"""So many characters are written together; fewer at the next heartbeat."""
_MOST_WAITING = 256 * 1024
_CREDENTIALS = re.compile(r"(\w+://)[^\s/@]+@")
_LONGEST = 2000


class KeepsLogs(Protocol):
    """The part of `history.job_logs.JobLogs` that a job needs."""

    def append(self, job_id: str, text: str) -> None:
        """Add to what the job wrote."""


class JobLog:
    """Lines of JSON of one job, bounded; what cannot be stored now is tried again later.

    Args:
        kept_by: Where lines go.
        job_id: The job.
    """

    def __init__(self, kept_by: KeepsLogs, job_id: str) -> None:
        self._kept_by, self._job_id = kept_by, job_id
        self._waiting: list[str] = []
        self._lock = threading.Lock()

    def line(self, at: datetime, **fields: object) -> None:
        """Write one line; addresses lose their credentials."""
        shown = {name: _shown(value) for name, value in fields.items()}
        self._add({"at": at.isoformat(timespec="seconds"), **shown})

    def event(self, event: Mapping[str, Any]) -> None:
        """Write an event of the process's log, without a traceback."""
        kept = {k: _shown(v) for k, v in event.items() if k not in ("exc_info", "exception")}
        self._add(kept)

    def flush(self) -> None:
        """Store what waits; while the history is away it waits on."""
        with self._lock:
            text = "".join(self._waiting)[-_MOST_WAITING:]
            try:
                if text:
                    self._kept_by.append(self._job_id, text)
            except HistoryUnavailable:
                self._waiting = [text]
            else:
                self._waiting = []

    def _add(self, fields: Mapping[str, object]) -> None:
        with self._lock:
            self._waiting.append(json.dumps(fields, default=str, ensure_ascii=False) + "\n")
            full = sum(map(len, self._waiting)) >= FLUSH_AT
        if full:
            self.flush()


def _shown(value: object) -> object:
    if isinstance(value, bool | int | float) or value is None:
        return value
    return _CREDENTIALS.sub(r"\1***@", str(value))[:_LONGEST]
