"""From what a test case contains to its attempts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from devmind.ci import Verdict


class Place(Enum):
    """When an attempt was: before the one that decided, that one, or a rerun after it."""

    BEFORE = "before"
    DECIDING = "deciding"
    AFTER = "after"


PROBLEMS = {
    "failure": (Verdict.FAILED, Place.DECIDING),
    "error": (Verdict.ERROR, Place.DECIDING),
    "skipped": (Verdict.SKIPPED, Place.DECIDING),
    "flakyFailure": (Verdict.FAILED, Place.BEFORE),
    "flakyError": (Verdict.ERROR, Place.BEFORE),
    "rerunFailure": (Verdict.FAILED, Place.AFTER),
    "rerunError": (Verdict.ERROR, Place.AFTER),
}
"""Elements that say what went wrong, with the verdict of their attempt and its place."""

_STATUS = {
    "notrun": Verdict.SKIPPED,  # ctest, GoogleTest
    "disabled": Verdict.SKIPPED,  # ctest
    "skipped": Verdict.SKIPPED,
    "ignored": Verdict.SKIPPED,
    "fail": Verdict.FAILED,  # ctest
    "failed": Verdict.FAILED,
    "failure": Verdict.FAILED,
    "error": Verdict.ERROR,
}
_WORST_FIRST = (Verdict.FAILED, Verdict.ERROR, Verdict.SKIPPED)


@dataclass(slots=True, kw_only=True)
class Problem:
    """A `failure`, `error`, `skipped` or one of the rerun elements, while it is read.

    `kind` is its `type` attribute: an exception's class, or node's `todo`.
    """

    verdict: Verdict
    place: Place
    duration_s: float
    kind: str
    message: str
    text: list[str] = field(default_factory=list)

    @property
    def expected(self) -> bool:
        """Whether it excuses a failure beside it: node's `todo` tests fail no build."""
        return self.verdict is Verdict.SKIPPED and self.kind == "todo"


@dataclass(slots=True, kw_only=True)
class Case:
    """A `testcase`, while it is read.

    Attributes:
        name: Its full name.
        file: Its file, or that of its suite, or empty.
        duration_s: Its `time`.
        status: Its `status`, or empty.
        suite: A number that only cases of the same suite share.
        from_pytest: Whether pytest wrote it.
    """

    name: str
    file: str
    duration_s: float
    status: str
    suite: int
    from_pytest: bool
    problems: list[Problem] = field(default_factory=list)


class Attempt(NamedTuple):
    """One execution of a case; `problem` is what went wrong, if anything is known of it."""

    verdict: Verdict
    duration_s: float
    problem: Problem | None = None


def attempts(case: Case) -> list[Attempt]:
    """Return the attempts of *case* in the order in which they ran; there is at least one.

    `flakyFailure` and `flakyError` failed before the attempt that decided. `rerunFailure` and
    `rerunError` failed after it if it failed too; if it did not, they too were before it. The
    case's own time belongs to the attempt that decided.
    """
    last = _deciding(case)
    before = _at(Place.BEFORE, case)
    again = _at(Place.AFTER, case)
    return [*before, last, *again] if last.verdict.failing else [*before, *again, last]


def _at(place: Place, case: Case) -> list[Attempt]:
    return [Attempt(p.verdict, p.duration_s, p) for p in case.problems if p.place is place]


def _deciding(case: Case) -> Attempt:
    found = [p for p in case.problems if p.place is Place.DECIDING]
    if any(p.expected for p in found):
        found = [p for p in found if p.verdict is Verdict.SKIPPED]
    if not found:
        return Attempt(silent(case), case.duration_s)
    worst = min(found, key=lambda p: _WORST_FIRST.index(p.verdict))
    return Attempt(worst.verdict, case.duration_s, worst)


def silent(case: Case) -> Verdict:
    """Return how *case* ended if no element says what went wrong."""
    said = _STATUS.get(case.status.lower()) if case.status else None
    return said or Verdict.PASSED
