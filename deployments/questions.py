"""What can be asked of the models: plain values that travel between deployments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from devmind.ci import BuildStatus, ChangedFile, ChangeTotals
from models.subset import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The build a question is about, as far as the caller says; `None` is left to the history.

    Attributes:
        project: The project.
        pipeline: The pipeline, or `PROJECT/PIPELINE` in one.
        build_id: A recorded build; its change, times and names are used where nothing is said.
        queued_at: When it is queued, aware UTC.
        trigger: Why it runs.
        commit: The commit.
        author: Who wrote the change.
        branch: The branch that is built.
        base: The branch it goes into.
        pull_request: Its number or key.
        message: The commit's message.
        files: The changed files; an empty tuple says that none changed.
        totals: Size of the change, where the files are not known.
    """

    project: str | None = None
    pipeline: str | None = None
    build_id: str | None = None
    queued_at: datetime | None = None
    trigger: str | None = None
    commit: str | None = None
    author: str | None = None
    branch: str | None = None
    base: str | None = None
    pull_request: str | None = None
    message: str | None = None
    files: tuple[ChangedFile, ...] | None = None
    totals: ChangeTotals | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationQuestion:
    """How long will it take?

    Attributes:
        about: The build.
        known_durations_s: Durations of earlier builds that the caller knows, for thin histories.
        dependencies: Job -> jobs that must have finished before it.
        max_parallel_jobs: How many jobs may run at once.
        why: Whether reasons are wanted; they cost most of an answer.
    """

    about: About
    known_durations_s: tuple[float, ...] = ()
    dependencies: tuple[tuple[str, tuple[str, ...]], ...] = ()
    max_parallel_jobs: int | None = None
    why: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class JobNow:
    """A job of a running build.

    Attributes:
        name: The job.
        status: How it ended; `None` while it runs or waits.
        queued: Whether it waits for its turn.
        started_at: When it started, aware UTC.
        finished_at: When it ended.
        duration_s: How long it ran, or has been running.
    """

    name: str
    status: BuildStatus | None = None
    queued: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemainingQuestion:
    """How much longer will it run?

    Attributes:
        about: The build.
        elapsed_s: For how long it has run, since its first job started.
        started_at: When that job started, aware UTC; an alternative to `elapsed_s`.
        jobs: Jobs that have ended, run or wait; nothing is known of the others.
    """

    about: About
    elapsed_s: float | None = None
    started_at: datetime | None = None
    jobs: tuple[JobNow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureQuestion:
    """Will it fail?

    Attributes:
        about: The build.
        known_builds: How many earlier builds the caller's own figures are about.
        known_failure_rate: Share of them that failed.
        why: Whether reasons are wanted; they cost most of an answer.
    """

    about: About
    known_builds: int = 0
    known_failure_rate: float | None = None
    why: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionQuestion:
    """Which tests are worth running?

    Attributes:
        about: The build.
        target: How much to select.
        tests: Every test there is, or `None` for those the history has seen lately.
        must_run: `fnmatch` patterns of tests that are always in.
    """

    about: About
    target: Target
    tests: tuple[str, ...] | None = None
    must_run: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """All three at once."""

    duration: DurationQuestion
    failure: FailureQuestion
    tests: SelectionQuestion
