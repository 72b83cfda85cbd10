"""Folders of training jobs: scratch that ends with them, and what is kept when a job cannot end."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from devmind.errors import NotFound
from history.jobs import TrainingJob
from training.promote import BUNDLE, SCORECARD

_MARK = "~"


class KnowsJobs(Protocol):
    """The part of `JobStore` that tells which jobs are over."""

    def get(self, job_id: str) -> TrainingJob:
        """Return a job."""
        ...


@contextmanager
def scratch(parent: Path, job_id: str, jobs: KnowsJobs) -> Iterator[Path]:
    """Yield a new folder for a job below *parent*, gone afterwards.

    What jobs that were killed have left there is removed; what is under way stays.
    """
    parent.mkdir(parents=True, exist_ok=True)
    _sweep(parent, jobs)
    with tempfile.TemporaryDirectory(
        prefix=f"{job_id}{_MARK}", dir=parent, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def keep(folder: Path, kept: Path) -> Path:
    """Move a trained bundle and its scorecard from scratch to *kept*, where nothing removes it."""
    kept.mkdir(parents=True, exist_ok=True)
    for name in (SCORECARD, BUNDLE):
        shutil.move(folder / name, kept / name)
    return kept.resolve()


def _sweep(parent: Path, jobs: KnowsJobs) -> None:
    for folder in parent.iterdir():
        job_id, mark, _ = folder.name.rpartition(_MARK)
        with suppress(NotFound):
            if mark and not jobs.get(job_id).active:
                shutil.rmtree(folder, ignore_errors=True)
