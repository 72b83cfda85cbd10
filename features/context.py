"""What features look at when they read, and when they learn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from devmind.changes import totals
from devmind.ci import BuildOutcome, BuildStatus, ChangedFile, ChangeTotals, QueuedBuild
from features.traits import Traits, traits_of
from history.events import BuildFinished


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A build about to run: itself, its traits, its change's size and files in order of path."""

    build: QueuedBuild
    traits: Traits
    totals: ChangeTotals | None
    files: tuple[ChangedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A build that has finished: `duration_s` is its work, `finished_at` epoch seconds."""

    traits: Traits
    outcome: BuildOutcome
    duration_s: float
    finished_at: float

    @property
    def passed(self) -> bool:
        """Whether it passed; durations are learned from such builds only."""
        return self.outcome.status is BuildStatus.PASSED

    @property
    def failed(self) -> bool:
        """Whether it failed; canceled and skipped builds are neither."""
        return self.outcome.status is BuildStatus.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A test report of a build, counted: tests that ran, and tests that failed."""

    traits: Traits
    tests_run: int
    tests_failing: int


def context_of(build: QueuedBuild) -> Context:
    """Prepare *build* for reading; the order of its files makes no difference."""
    size = totals(build.change)
    files = tuple(
        sorted(
            build.change.files,
            key=lambda file: (file.path, file.lines_added, file.lines_deleted, file.kind),
        )
    )
    return Context(build=build, traits=traits_of(build, size), totals=size, files=files)


def ended_of(traits: Traits, event: BuildFinished) -> Ended:
    """Join a build's traits with its outcome."""
    outcome = event.outcome
    queued_at = datetime.fromtimestamp(traits.at, UTC)
    return Ended(
        traits=traits,
        outcome=outcome,
        duration_s=outcome.duration_s(queued_at),
        finished_at=outcome.finished_at.timestamp(),
    )
