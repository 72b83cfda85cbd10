"""How far a training job is: told to the job store, to a terminal, or line by line."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from devmind.errors import HistoryUnavailable
from history.jobs import JobState, TrainingJob
from training.recipe import STAGES

HEARTBEAT_S = 30.0


class JobCancelled(Exception):
    """Somebody cancelled the job."""


class UpdatesJobs(Protocol):
    """The part of `JobStore` that a running job needs."""

    def update(  # noqa: PLR0913 - one argument a column
        self,
        job_id: str,
        *,
        now: datetime,
        state: JobState | None = None,
        progress: float | None = None,
        stage: str | None = None,
        detail: str | None = None,
    ) -> TrainingJob:
        """As `JobStore.update`."""
        ...


class JobProgress:
    """A context in which a job runs; says in the store that it lives, and where it is.

    Args:
        jobs: The job store.
        job_id: The job.
        model: For people.
        console: Where people look; a bar on a terminal, else a line a stage.
        now: The time, aware UTC.
    """

    def __init__(
        self,
        jobs: UpdatesJobs,
        job_id: str,
        *,
        model: str,
        console: Console,
        now: Callable[[], datetime],
    ) -> None:
        self._jobs, self._job_id, self._now = jobs, job_id, now
        self._console = console
        self._bar = Progress(
            TextColumn(model),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("waiting", total=1.0)
        self._over = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._jobs.update(self._job_id, now=self._now(), state="running")
        self._bar.start()
        self._heart.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._heart.join()
        self._bar.stop()

    def stage(self, name: str) -> None:
        """Say that the stage *name* begins.

        Raises:
            JobCancelled: If the job was cancelled meanwhile.
        """
        self.at(STAGES[name], name)

    def features(self, done: int, total: int) -> None:
        """Say how many projects are replayed."""
        begin, end = STAGES["features"], STAGES["fitting"]
        self.at(begin + (end - begin) * done / max(total, 1), f"features {done}/{total} projects")

    @property
    def console(self) -> Console:
        """Where people look."""
        return self._console

    def searching(self, said: str) -> None:
        """Say how far the search for knobs is; the search itself prints its trials.

        Raises:
            JobCancelled: If the job was cancelled meanwhile.
        """
        self.at(STAGES["fitting"], said, printed=False)

    def at(self, fraction: float, stage: str, *, printed: bool = True) -> None:
        """Say that *fraction* of the job is done, and what it does now.

        Args:
            fraction: From 0 to 1.
            stage: In a few words.
            printed: Whether a line is due where there is no bar.

        Raises:
            JobCancelled: If the job was cancelled meanwhile.
        """
        self._bar.update(self._task, completed=fraction, description=stage)
        if printed and not self._console.is_terminal:
            self._console.print(f"{fraction:4.0%} {stage}", highlight=False)
        job = self._jobs.update(self._job_id, now=self._now(), progress=fraction, stage=stage)
        if job.state == "cancelled":
            raise JobCancelled(self._job_id)

    def end(self, state: JobState, detail: str) -> None:
        """Say how the job ended."""
        progress = 1.0 if state == "succeeded" else None
        self._jobs.update(
            self._job_id, now=self._now(), state=state, progress=progress, detail=detail
        )

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_S):
            with suppress(HistoryUnavailable):
                self._jobs.update(self._job_id, now=self._now())
