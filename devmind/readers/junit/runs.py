"""The test runs of a file, as its cases come in."""

from __future__ import annotations

from devmind.ci import Verdict
from devmind.errors import TooLarge, shorten
from devmind.readers.junit.attempts import Case, attempts, silent
from devmind.readers.junit.limits import JUnitLimits
from devmind.readers.junit.messages import message
from devmind.runs import RunLists

RERUN = "This attempt failed and was run again; pytest does not record why."


class Runs:
    """Collects cases and counts the attempts of those that occur several times.

    Args:
        source: What errors call the file.
        limits: How many runs and attempts are accepted.

    Attributes:
        lists: All runs so far, in the order of the file.
    """

    def __init__(self, source: str, limits: JUnitLimits) -> None:
        self._source = source
        self._limits = limits
        self.lists = RunLists()
        self._last: dict[str, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self.lists)

    def add(self, case: Case) -> None:
        """Add the attempts of *case*, after those of the same name.

        Raises:
            TooLarge: If there are more runs, or more attempts of this test, than the limits say.
        """
        number = self._attempts_before(case)
        if case.problems:
            for attempt in attempts(case):
                number += 1
                said = message(attempt.problem, self._limits) if attempt.problem else ""
                self._append(case, attempt.verdict, attempt.duration_s, number, said)
        else:
            number += 1
            self._append(case, silent(case), case.duration_s, number, "")
        self._last[case.name] = (len(self.lists.names) - 1, case.suite)
        self._check(number)

    def _append(
        self, case: Case, verdict: Verdict, duration_s: float, number: int, said: str
    ) -> None:
        lists = self.lists
        lists.names.append(case.name)
        lists.verdicts.append(verdict)
        lists.durations_s.append(duration_s)
        lists.attempts.append(number)
        lists.files.append(case.file)
        lists.messages.append(said)

    def _attempts_before(self, case: Case) -> int:
        """Count the attempts of the same name so far, and correct the last one if it must be.

        When pytest-rerunfailures or pytest-retry runs a test again, pytest writes the attempt
        that failed as a case without a word. So in a suite of pytest, a silent case that is
        followed by another of its name has failed.
        """
        last = self._last.get(case.name)
        if last is None:
            return 0
        index, suite = last
        lists = self.lists
        if case.from_pytest and suite == case.suite and lists.verdicts[index] is Verdict.PASSED:
            lists.verdicts[index], lists.messages[index] = Verdict.FAILED, RERUN
        return lists.attempts[index]

    def _check(self, number: int) -> None:
        names = self.lists.names
        if len(names) > self._limits.test_runs:
            what = f"{self._source}: the number of test runs"
            raise TooLarge(what, len(names), self._limits.test_runs)
        if number > self._limits.attempts:
            what = f"{self._source}: the number of attempts of {shorten(names[-1])}"
            raise TooLarge(what, number, self._limits.attempts)
