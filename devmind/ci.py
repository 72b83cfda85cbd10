"""The vocabulary of CI: what happened, to which change, when, and for how long.

Times are aware UTC datetimes, durations are seconds. A build is known twice: as a
`QueuedBuild` before it runs and as a `BuildOutcome` after it has finished; nothing that only
time could tell is an attribute of the first.
"""

from __future__ import annotations

from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import NewType

BuildId = NewType("BuildId", str)


class Verdict(StrEnum):
    """How a test run ended: `FAILED` is a failed assertion, `ERROR` everything else that broke."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"

    @property
    def failing(self) -> bool:
        """Whether a developer has to look at it."""
        return self in (Verdict.FAILED, Verdict.ERROR)


class BuildStatus(StrEnum):
    """How a build, a job or a step ended."""

    PASSED = "passed"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"


class FileChange(StrEnum):
    """What a change did to a file."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"
    RENAMED = "renamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """One file of a change; `path` is relative to the repository's root, with `/`."""

    path: str
    lines_added: int = 0
    lines_deleted: int = 0
    kind: FileChange = FileChange.MODIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTotals:
    """The size and kind of a change: all that is known when its files are not listed.

    `extensions` are lower case with their dot (`.py`), or the bare name of a file without one
    (`Dockerfile`), sorted and unique.
    """

    files_added: int = 0
    files_modified: int = 0
    files_deleted: int = 0
    lines_added: int = 0
    lines_deleted: int = 0
    test_lines: int = 0
    source_lines: int = 0
    doc_files: int = 0
    config_files: int = 0
    dependency_files: int = 0
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a build is about: a commit with its author, branch and files.

    Attributes:
        commit: Full hash, or whatever names the change in the team's system.
        author: A name or pseudonym; only compared, never shown to others.
        branch: The branch that was built.
        base: The branch it goes into, for a pull request.
        pull_request: Its number or key.
        message: The commit's message.
        files: Every changed file, if the files are known.
        totals: Size and kind of the change, where only these are known.
    """

    commit: str = ""
    author: str = ""
    branch: str = ""
    base: str = ""
    pull_request: str = ""
    message: str = ""
    files: tuple[ChangedFile, ...] = ()
    totals: ChangeTotals | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedBuild:
    """Everything known about a build at the moment it is queued.

    `external_id` and `attempt` name the run in the team's CI system; `trigger` is its word for
    why it runs (`push`, `pull_request`, `schedule`).
    """

    project: str
    pipeline: str
    external_id: str
    queued_at: datetime
    attempt: int = 1
    trigger: str = ""
    change: Change = Change()

    @property
    def build_id(self) -> BuildId:
        """The identifier of this build in DevMind; equal inputs give an equal id."""
        return build_id(self.project, self.pipeline, self.external_id, self.attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a job; times are `None` when it never started."""

    name: str
    status: BuildStatus
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job of a build; times are `None` when it never started."""

    name: str
    status: BuildStatus
    queued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    runner: str = ""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOutcome:
    """What only time could tell about a build."""

    status: BuildStatus
    finished_at: datetime
    started_at: datetime | None = None
    jobs: tuple[Job, ...] = ()

    def duration_s(self, queued_at: datetime) -> float:
        """Seconds of work: first job start to last job end where jobs are known.

        A rerun months later moves a CI system's `updated_at`, never the end of a job; so job
        times win. Without jobs it is start (or queueing) to finish.
        """
        starts = [job.started_at for job in self.jobs if job.started_at and job.finished_at]
        ends = [job.finished_at for job in self.jobs if job.started_at and job.finished_at]
        if starts and ends:
            return max(0.0, (max(ends) - min(starts)).total_seconds())
        return max(0.0, (self.finished_at - (self.started_at or queued_at)).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRun:
    """One execution of a test case; `attempt` counts reruns within the build from 1."""

    name: str
    verdict: Verdict
    duration_s: float = 0.0
    attempt: int = 1
    file: str = ""
    message: str = ""

    __test__ = False  # pytest would take it for a test class


@dataclass(frozen=True, slots=True, kw_only=True)
class TestReport:
    """The test runs that one job of a build uploaded; `name` tells a build's reports apart."""

    runs: tuple[TestRun, ...]
    name: str = ""

    __test__ = False  # pytest would take it for a test class


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedBuild:
    """A queued build with everything that came of it: what importers give."""

    build: QueuedBuild
    outcome: BuildOutcome
    reports: tuple[TestReport, ...] = ()


@lru_cache(maxsize=4_096)
def build_id(project: str, pipeline: str, external_id: str, attempt: int) -> BuildId:
    """Name a build by what the CI system calls it, so that client and server agree unasked.

    Example:
        >>> build_id("shop", "ci.yml", "1871", 1)
        'm4gb7wkjbcmlrhiuqe7knnin'
    """
    words = "\0".join((project, pipeline, external_id, str(attempt)))
    digest = blake2b(words.encode("utf-8", "surrogatepass"), digest_size=15).digest()
    return BuildId(b32encode(digest).decode().lower())
