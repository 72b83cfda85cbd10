"""What is counted of training jobs."""

from __future__ import annotations

from typing import Protocol

from deployments.metrics import Instruments
from history.jobs import JobState, TrainingJob
from models.names import MODELS


class TellsOfJobs(Protocol):
    """The part of `JobStore` that is counted."""

    def claim_ended(self) -> list[TrainingJob]:
        """Return the jobs that have ended and that nobody has counted yet."""
        ...

    def list(
        self, model: str | None = None, limit: int = 50, *, state: JobState | None = None
    ) -> list[TrainingJob]:
        """Return the newest jobs."""
        ...


class JobMetrics:
    """Counts the ends of training jobs, each in one replica, and says what runs.

    The gauges are the same in every replica: their largest value counts.

    Args:
        instruments: Where the numbers go.
    """

    def __init__(self, instruments: Instruments) -> None:
        make = instruments
        self._ended = make.Counter(
            "devmind_training_jobs_total", "Training jobs that have ended.", ("model", "state")
        )
        self._running = make.Gauge(
            "devmind_training_running", "Whether a job of the model is under way.", ("model",)
        )
        self._last_success = make.Gauge(
            "devmind_training_last_success_timestamp_seconds",
            "When the newest job that succeeded ended, Unix time.",
            ("model",),
        )

    def observe(self, jobs: TellsOfJobs) -> None:
        """Count what has ended since the last time, and look at what runs."""
        for job in jobs.claim_ended():
            self._ended.inc(tags={"model": job.model, "state": job.state})
        for model in MODELS:
            tags = {"model": model}
            newest = jobs.list(model, 1)
            self._running.set(float(any(job.state == "running" for job in newest)), tags=tags)
            for job in jobs.list(model, 1, state="succeeded"):
                self._last_success.set(job.updated_at.timestamp(), tags=tags)
