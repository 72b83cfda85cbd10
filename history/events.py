"""What the history gives back: events with their place in the project's sequence.

Test reports come as columns. A test is a number, dense within its project from 0 in the order of
first appearance; the event in which a test first appears carries its name, so folding a project's
events in order needs nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devmind.ci import BuildId, BuildOutcome, QueuedBuild, Verdict

VERDICTS = (Verdict.PASSED, Verdict.FAILED, Verdict.ERROR, Verdict.SKIPPED)
"""A verdict's code in `TestsReported.verdicts` is its index here."""

PASSED, FAILED, ERROR, SKIPPED = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTest:
    """A test case of a project: its number, its name and the file it is in, if known."""

    number: int
    name: str
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildQueued:
    """A build was queued."""

    sequence: int
    build_id: BuildId
    build: QueuedBuild


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TestsReported:
    """A job of a build reported its tests.

    Attributes:
        sequence: Place in the project's history.
        build_id: The build.
        report: The report's name.
        tests: int32 (n,), numbers of the tests; one test may occur in several attempts.
        verdicts: int8 (n,), codes into `VERDICTS`.
        durations_s: float32 (n,), seconds.
        attempts: int16 (n,), from 1.
        new_tests: Tests that appear here for the first time, by number.
    """

    sequence: int
    build_id: BuildId
    report: str
    tests: NDArray[np.int32]
    verdicts: NDArray[np.int8]
    durations_s: NDArray[np.float32]
    attempts: NDArray[np.int16]
    new_tests: tuple[NamedTest, ...] = ()

    __test__ = False  # pytest would take it for a test class


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFinished:
    """A build has finished."""

    sequence: int
    build_id: BuildId
    outcome: BuildOutcome


StoredEvent = BuildQueued | TestsReported | BuildFinished


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The history's answer to an event: where it is, and whether it was there before."""

    build_id: BuildId
    kind: str
    sequence: int
    repeated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSummary:
    """How much of a project is recorded."""

    project: str
    last_sequence: int
    builds: int
    finished: int
    tests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A frozen state: everything up to and including event `as_of` is folded into `body`."""

    project: str
    state: str
    as_of: int
    body: bytes
