"""What `up` and `down` say while they work; how that looks is up to who listens."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Narrator(Protocol):
    """Hears what is being done."""

    def began(self, step: str) -> None:
        """A step has begun."""

    def says(self, text: str) -> None:
        """The step that is under way says what it does now."""

    def ended(self, step: str, result: str, seconds: float) -> None:
        """A step has succeeded."""


class Story:
    """The steps of one run with the time each took.

    Args:
        narrator: Is told of every step.
        clock: Seconds that only grow.
    """

    def __init__(self, narrator: Narrator, clock: Callable[[], float] = time.monotonic) -> None:
        self.narrator = narrator
        self.seconds: dict[str, float] = {}
        self._clock = clock
        self._start = clock()

    def step(self, name: str, do: Callable[[], tuple[T, str]]) -> T:
        """Do a step; it returns its value and a few words about its result."""
        self.narrator.began(name)
        begin = self._clock()
        value, result = do()
        self.seconds[name] = self._clock() - begin
        self.narrator.ended(name, result, self.seconds[name])
        return value

    @property
    def total_s(self) -> float:
        """Seconds since the story began."""
        return self._clock() - self._start
