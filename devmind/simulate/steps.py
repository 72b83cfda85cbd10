"""The steps of simulated jobs, and what makes them slow or fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random

from devmind.ci import QueuedBuild
from devmind.simulate.chance import happens
from devmind.simulate.commits import Breakage
from devmind.simulate.jobs import COMPLETE, SET_UP, Work
from devmind.simulate.truth import Cause, ProjectTruth, SimulatedTest

_EVICTED_PROBABILITY = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A build to be simulated.

    Attributes:
        build: The build.
        breakages: What is wrong with its code.
        tests: The tests there are.
        age: Share of the history that has passed.
        cold: Whether its dependencies are in no cache yet.
        superseded_at: When a newer build of the branch will cancel it.
    """

    build: QueuedBuild
    breakages: tuple[Breakage, ...]
    tests: tuple[SimulatedTest, ...]
    age: float
    cold: bool
    superseded_at: datetime | None = None


class Steps:
    """Says what the jobs of a project do.

    Args:
        truth: The project.
        rng: Where chance comes from.
    """

    def __init__(self, truth: ProjectTruth, rng: Random) -> None:
        self._truth = truth
        self._rng = rng

    def before(self, request: Request) -> Iterator[Work]:
        """Yield what comes first in every job: setting up, and installing dependencies."""
        rng, habits, stack = self._rng, self._truth.habits, self._truth.stack
        yield Work(name=SET_UP, seconds=rng.uniform(1, 4))
        yield Work(name="Run actions/checkout@v4", seconds=rng.uniform(1, 5))
        yield Work(name=stack.setup, seconds=rng.uniform(1, 8))
        cold = request.cold or not habits.caches or happens(rng, _EVICTED_PROBABILITY)
        if habits.caches:
            yield Work(name="Restore cache", seconds=1 if cold else rng.uniform(4, 10))
        usual = habits.install_s * rng.uniform(0.85, 1.25) if cold else rng.uniform(4, 9)
        broken = any(one.cause is Cause.INSTALL for one in request.breakages)
        yield Work(name=stack.install, seconds=usual * 0.4 if broken else usual, fails=broken)

    def after(self, request: Request) -> Iterator[Work]:
        """Yield what comes last in every job."""
        if self._truth.habits.caches:
            yield Work(name="Post Restore cache", seconds=9 if request.cold else 1)
        yield Work(name="Post Run actions/checkout@v4", seconds=1)
        yield Work(name=COMPLETE, seconds=0)

    def linting(self, request: Request) -> list[Work]:
        """Return what the lint job does."""
        wrong = any(one.cause is Cause.LINT for one in request.breakages)
        return [Work(name=self._truth.stack.lint, seconds=self._rng.uniform(12, 25), fails=wrong)]

    def building(self, request: Request) -> list[Work]:
        """Return what the build job does: from the middle of the history on, slower and slower."""
        habits = self._truth.habits
        wrong = any(one.cause is Cause.COMPILE for one in request.breakages)
        seconds = habits.compile_s * (1 + habits.compile_growth * request.age)
        seconds *= self._rng.uniform(0.2, 0.7) if wrong else 1.0
        works = [Work(name=self._truth.stack.compile, seconds=seconds, fails=wrong)]
        if request.age > habits.creeping_from:
            crept = (request.age - habits.creeping_from) / (1 - habits.creeping_from)
            works.append(Work(name="Scan licences", seconds=8 + habits.creeping_s * crept))
        return works
