"""What is really so in a simulated company, and no history tells: who covers what, who is flaky."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from devmind.ci import FinishedBuild
from devmind.simulate.names import Stack


class Cause(StrEnum):
    """Why a build ended as it did."""

    NONE = "none"
    TESTS = "tests"
    COMPILE = "compile"
    LINT = "lint"
    INSTALL = "install"
    FLAKY = "flaky"
    INFRASTRUCTURE = "infrastructure"
    HANG = "hang"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """A developer; of two equal changes, one with twice the `risk` breaks about twice as often."""

    login: str
    risk: float
    hours_east: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A source file; `risk` multiplies the probability that touching it breaks something."""

    path: str
    module: str
    risk: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedTest:
    """A test case.

    Attributes:
        classname: As JUnit has it; the test's full name is `classname::case`.
        case: As JUnit has it.
        file: The test file it is in.
        covers: Paths of the source files whose breakage it can notice.
        duration_s: How long it takes on a usual day.
        flaky_probability: That it fails for nothing.
        report: The report, and so the job, it belongs to.
        always_skipped: Whether it is switched off.
    """

    classname: str
    case: str
    file: str
    covers: frozenset[str]
    duration_s: float
    flaky_probability: float = 0.0
    report: str
    always_skipped: bool = False

    @property
    def name(self) -> str:
        """Its full name, as the JUnit reader gives it."""
        return f"{self.classname}::{self.case}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a project's pipeline behaves.

    Attributes:
        caches: Whether dependencies are cached; one project forgot to.
        retries: Whether a failed test is run once more within the build.
        compile_s: Seconds to build, on the first day.
        compile_growth: Share by which building has slowed down on the last day.
        install_s: Seconds to install dependencies without a cache.
        creeping_from: Share of the history after which a new step slows every build.
        creeping_s: Seconds it takes on the last day.
        break_rate: Scales how often changes break something.
        infrastructure_rate: Share of builds that machines or networks break.
    """

    caches: bool
    retries: bool
    compile_s: float
    compile_growth: float
    install_s: float
    creeping_from: float
    creeping_s: float
    break_rate: float
    infrastructure_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectTruth:
    """A project as it really is.

    `unborn` are source files that the history adds; tests that cover only them come with them.
    """

    name: str
    seed: str
    builds: int
    start: datetime
    stack: Stack
    modules: tuple[str, ...]
    files: tuple[SourceFile, ...]
    unborn: frozenset[str]
    tests: tuple[SimulatedTest, ...]
    authors: tuple[Author, ...]
    dependencies: tuple[frozenset[str], ...]
    habits: Habits

    @property
    def flaky(self) -> frozenset[str]:
        """Names of the flaky tests."""
        return frozenset(test.name for test in self.tests if test.flaky_probability > 0)

    def covering(self, path: str) -> tuple[SimulatedTest, ...]:
        """Return the tests that cover *path*."""
        return tuple(test for test in self.tests if path in test.covers)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedBuild:
    """A build with what only the simulation knows.

    Attributes:
        finished: What the importers must read back.
        cause: Why it ended so.
        broken: Tests that fail because of a change.
        flaked: Tests that failed for nothing.
    """

    finished: FinishedBuild
    cause: Cause
    broken: frozenset[str] = frozenset()
    flaked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written of a project."""

    project: str
    builds: int
    failed: int
    tests: int
    first_queued_at: datetime
    last_queued_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A simulated company: what is true of its projects, and what was written of them."""

    seed: int
    projects: tuple[ProjectTruth, ...]
    written: tuple[Written, ...] = ()
