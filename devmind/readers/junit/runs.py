"""The test runs of a file, as its cases come in."""

from __future__ import annotations

from dataclasses import replace

from devmind.ci import TestRun, Verdict
from devmind.errors import TooLarge, shorten
from devmind.readers.junit.attempts import Case, attempts
from devmind.readers.junit.limits import JUnitLimits
from devmind.readers.junit.messages import message

RERUN = "This attempt failed and was run again; pytest does not record why."


class Runs:
    """Collects cases and counts the attempts of those that occur several times.

    Args:
        source: What errors call the file.
        limits: How many runs and attempts are accepted.
    """

    def __init__(self, source: str, limits: JUnitLimits) -> None:
        self._source = source
        self._limits = limits
        self._runs: list[TestRun] = []
        self._last: dict[str, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._runs)

    def all(self) -> tuple[TestRun, ...]:
        """Return all runs, in the order of the file."""
        return tuple(self._runs)

    def add(self, case: Case) -> None:
        """Add the attempts of *case*, after those of the same name.

        Raises:
            TooLarge: If there are more runs, or more attempts of this test, than the limits say.
        """
        number = self._attempts_before(case)
        for attempt in attempts(case):
            number += 1
            self._runs.append(
                TestRun(
                    name=case.name,
                    verdict=attempt.verdict,
                    duration_s=attempt.duration_s,
                    attempt=number,
                    file=case.file,
                    message=message(attempt.problem, self._limits) if attempt.problem else "",
                )
            )
        self._last[case.name] = (len(self._runs) - 1, case.suite)
        self._check(number)

    def _attempts_before(self, case: Case) -> int:
        """Count the attempts of the same name so far, and correct the last one if it must be.

        When pytest-rerunfailures or pytest-retry runs a test again, pytest writes the attempt
        that failed as a case without a word. So in a suite of pytest, a silent case that is
        followed by another of its name has failed.
        """
        index, suite = self._last.get(case.name, (None, None))
        if index is None:
            return 0
        last = self._runs[index]
        if case.from_pytest and suite == case.suite and last.verdict is Verdict.PASSED:
            self._runs[index] = replace(last, verdict=Verdict.FAILED, message=RERUN)
        return last.attempt

    def _check(self, number: int) -> None:
        if len(self._runs) > self._limits.test_runs:
            what = f"{self._source}: the number of test runs"
            raise TooLarge(what, len(self._runs), self._limits.test_runs)
        if number > self._limits.attempts:
            what = f"{self._source}: the number of attempts of {shorten(self._runs[-1].name)}"
            raise TooLarge(what, number, self._limits.attempts)
