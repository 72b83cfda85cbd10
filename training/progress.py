"""How far a training job is: told to the job store, to its log, to a terminal, or line by line."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from devmind.errors import HistoryUnavailable
from history.jobs import LEASE_S, JobState, TrainingJob
from training.job_log import JobLog
from training.recipe import STAGES

HEARTBEAT_S = 15.0
_RETRY_S = 2.0


class JobCancelled(Exception):
    """Somebody cancelled the job; it must neither register nor promote."""


class LeaseLost(JobCancelled):
    """The job was given up while its process was silent; another may train the model by now."""


class UpdatesJobs(Protocol):
    """The part of `JobStore` that a running job needs."""

    def take(self, job_id: str, holder: str, *, now: datetime, cluster: str = "") -> TrainingJob:
        """As `JobStore.take`."""
        ...

    def update(  # noqa: PLR0913 - one argument a column
        self,
        job_id: str,
        *,
        now: datetime,
        state: JobState | None = None,
        progress: float | None = None,
        stage: str | None = None,
        detail: str | None = None,
        holder: str | None = None,
    ) -> TrainingJob:
        """As `JobStore.update`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A job in the hands of this process.

    Attributes:
        job_id: The job.
        holder: Names this process; no other one has the name.
        model: For people.
    """

    job_id: str
    holder: str
    model: str


class JobProgress:
    """A context in which a job runs; renews its lease, and says in the store where it is.

    The history being away for a while stops no training: only what needs the lease waits for it.

    Args:
        jobs: The job store.
        held: The job, and who holds it.
        log: What is kept of the job's words.
        console: Where people look; a bar on a terminal, else a line a stage.
        now: The time, aware UTC.
        interrupt: Ends what the main thread does, once the job is no longer ours.
        heartbeat_s: How often the lease is renewed.
    """

    def __init__(  # noqa: PLR0913 - what it works with, each named by the caller
        self,
        jobs: UpdatesJobs,
        held: Held,
        *,
        log: JobLog,
        console: Console,
        now: Callable[[], datetime],
        interrupt: Callable[[], None] = lambda: None,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._jobs, self._held, self._now, self._log = jobs, held, now, log
        self._console = console
        self._interrupt, self._heartbeat_s = interrupt, heartbeat_s
        self._bar = Progress(
            TextColumn(held.model),
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
        self._asked_for = ""
        self.lost: JobCancelled | None = None
        """Why the job is no longer ours, once that is known."""

    def __enter__(self) -> Self:
        taken = self._jobs.take(self._held.job_id, self._held.holder, now=self._now())
        self._asked_for = taken.detail
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
        self._log.flush()

    def on_cluster(self, head: str) -> None:
        """Record on which cluster the job runs, so that its end there can be told from silence."""
        with suppress(HistoryUnavailable):
            self._jobs.take(self._held.job_id, self._held.holder, now=self._now(), cluster=head)

    def stage(self, name: str) -> None:
        """Say that the stage *name* begins.

        Raises:
            JobCancelled: If the job was cancelled or given up meanwhile.
        """
        self.at(STAGES[name], name)

    def features(self, done: int, total: int) -> None:
        """Say how many slices of the projects' histories are replayed."""
        begin, end = STAGES["features"], STAGES["fitting"]
        self.at(begin + (end - begin) * done / max(total, 1), f"features {done}/{total} slices")

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
            JobCancelled: If the job was cancelled or given up meanwhile.
        """
        self._bar.update(self._task, completed=fraction, description=stage)
        if printed and not self._console.is_terminal:
            self._console.print(f"{fraction:4.0%} {stage}", highlight=False)
        self._log.line(self._now(), progress=round(fraction, 3), stage=stage)
        with suppress(HistoryUnavailable):
            self._heard(self._update(progress=fraction, stage=stage))
        if self.lost is not None:
            raise self.lost

    def check(self) -> None:
        """Make sure that the job is still ours, before anything that others will see.

        Raises:
            JobCancelled: If it was cancelled.
            LeaseLost: If it was given up.
            HistoryUnavailable: If nobody can say for as long as a lease lasts.
        """
        give_up_at = time.monotonic() + LEASE_S
        while True:
            try:
                self._heard(self._update())
                break
            except HistoryUnavailable:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(_RETRY_S)
        if self.lost is not None:
            raise self.lost

    def end(self, state: JobState, detail: str) -> None:
        """Say how the job ended; nothing changes if it ended before.

        What it was asked for is not forgotten over that: it stands behind the end.

        Raises:
            HistoryUnavailable: If the history does not answer; the lease then runs out.
        """
        if self._asked_for:
            detail = f"{detail} (asked for: {self._asked_for})"
        self._log.line(self._now(), state=state, detail=detail)
        progress = 1.0 if state == "succeeded" else None
        try:
            self._update(state=state, progress=progress, detail=detail)
        finally:
            self._log.flush()

    def _update(
        self,
        *,
        state: JobState | None = None,
        progress: float | None = None,
        stage: str | None = None,
        detail: str | None = None,
    ) -> TrainingJob:
        return self._jobs.update(
            self._held.job_id,
            now=self._now(),
            holder=self._held.holder,
            state=state,
            progress=progress,
            stage=stage,
            detail=detail,
        )

    def _heard(self, job: TrainingJob) -> None:
        if job.active and job.holder == self._held.holder:
            return
        if job.state == "cancelled":
            self.lost = JobCancelled(job.detail or "cancelled")
        else:
            self.lost = LeaseLost(f"the job was given up: {job.detail or job.state}")

    def _beat(self) -> None:
        while not self._over.wait(self._heartbeat_s):
            self._log.flush()
            with suppress(HistoryUnavailable):
                self._heard(self._update())
            if self.lost is not None:
                self._interrupt()
                return
