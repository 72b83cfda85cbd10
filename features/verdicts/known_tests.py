"""What callers ask about a project's tests beside their rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.verdicts.catalogue import Catalogue
from features.verdicts.counts import Counts
from features.verdicts.durations import TestDurations

RECENT_BUILDS = 50


class KnownTests:
    """A view of a project's tests; arrays are copies, indexed by the test's number.

    Args:
        catalogue: Names and files.
        counts: Runs and failures.
        durations: Durations.
        last_seen_build: int32, number of the last reporting build that named the test.
        builds: How many builds have reported so far.
    """

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        counts: Counts,
        durations: TestDurations,
        last_seen_build: NDArray[np.int32],
        builds: int,
    ) -> None:
        self._catalogue = catalogue
        self._counts = counts
        self._durations = durations
        self.last_seen_build = last_seen_build
        self.builds = builds

    def __len__(self) -> int:
        return len(self._catalogue)

    def number(self, name: str) -> int | None:
        """Return the number of the test *name*, or `None` if it was never reported."""
        return self._catalogue.number(name)

    def numbers(self, names: list[str]) -> NDArray[np.int32]:
        """Return the numbers of *names*, -1 for tests that were never reported."""
        return self._catalogue.numbers(names)

    def name(self, number: int) -> str:
        """Return the name of the test *number*."""
        return self._catalogue.name(number)

    def names(self, numbers: NDArray[np.int32]) -> list[str]:
        """Return the names of the tests *numbers*; faster than one by one."""
        return self._catalogue.names(numbers.tolist())

    def file(self, number: int) -> str:
        """Return the file of the test *number*; empty if unknown."""
        return self._catalogue.file(number)

    @property
    def runs(self) -> NDArray[np.float64]:
        """In how many builds each test ran."""
        return self._counts.runs()

    @property
    def expected_s(self) -> NDArray[np.float32]:
        """Smoothed duration of each test in seconds; NaN for those that never ran."""
        return self._durations.expected_s()

    @property
    def last_failed_runs_ago(self) -> NDArray[np.float64]:
        """Runs since each test's last failure: 0 if its last run failed, NaN if it never did."""
        return self._counts.runs_since_failure()

    def active(self, builds: int = RECENT_BUILDS) -> NDArray[np.int32]:
        """Return the numbers of the tests that the last *builds* reporting builds named."""
        seen = self.last_seen_build >= max(0, self.builds - builds)
        return np.flatnonzero(seen).astype(np.int32)
