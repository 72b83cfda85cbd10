"""From XML events to test cases, keeping nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from devmind.errors import InvalidInput, TooLarge, UnreadableSource, shorten
from devmind.readers.junit.attempts import PROBLEMS, Case, Problem
from devmind.readers.junit.foreign import not_junit
from devmind.readers.junit.limits import JUnitLimits
from devmind.readers.junit.names import case_name, cut, suite_path
from devmind.readers.junit.parser import GuardedParser
from devmind.readers.junit.runs import Runs
from devmind.readers.junit.seconds import seconds

_ROOTS = ("testsuites", "testsuite")
_IGNORED = frozenset(("system-out", "system-err", "properties"))
_PYTEST = {"testsuites": "pytest tests", "testsuite": "pytest"}  # how pytest names its own


@dataclass(frozen=True, slots=True, kw_only=True)
class _Suite:
    """A suite around the cases that follow; `number` counts suites from 1."""

    number: int
    path: str = ""
    file: str = ""
    from_pytest: bool = False


_OUTSIDE = _Suite(number=0)


class CaseHandler:
    """Builds the test runs of one file; text of `system-out` and the like is never heard.

    Args:
        source: What errors call the file.
        limits: How much is accepted.

    Attributes:
        parser: What it wants to be fed.
        runs: The runs so far.
        began: Whether the root element was seen.
    """

    def __init__(self, source: str, limits: JUnitLimits) -> None:
        self.parser = GuardedParser(on_start=self._start, on_end=self._end, on_text=self._hear)
        self.runs = Runs(source, limits)
        self.began = False
        self._source = source
        self._limits = limits
        self._depth = 0
        self._ignored_at = 0
        self._suites: list[_Suite] = []
        self._suite_count = 0
        self._case: Case | None = None
        self._problem: Problem | None = None
        self._problem_at = 0
        self._room = 0

    @property
    def open_case(self) -> str:
        """The name of the case that is being read, empty between cases."""
        return self._case.name if self._case else ""

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1:
            self._start_root(tag)
        elif self._depth > self._limits.depth:
            what = f"{self._source}: the nesting of XML elements in line {self._line()}"
            raise TooLarge(what, self._depth, self._limits.depth)
        if self._ignored_at:
            return
        if tag == "testcase":
            self._start_case(attributes)
        elif tag in _ROOTS:
            self._start_suite(tag, attributes)
        elif tag in _IGNORED or self._problem is not None:
            self._ignore(tag)
        elif self._case is not None and tag in PROBLEMS:
            self._start_problem(self._case, tag, attributes)

    def _end(self, tag: str) -> None:
        depth = self._depth
        self._depth = depth - 1
        if self._ignored_at:
            if self._ignored_at == depth:
                self._ignored_at = 0
                self.parser.listen(to_text=self._problem is not None and self._room > 0)
        elif self._problem is not None:
            if self._problem_at == depth:
                self._problem = None
                self.parser.listen(to_text=False)
        elif tag == "testcase" and self._case is not None:
            self.runs.add(self._case)
            self._case = None
        elif tag in _ROOTS:
            self._suites.pop()

    def _hear(self, text: str) -> None:
        if self._problem is None:
            return
        kept = text if self._problem.text else text.lstrip()
        if kept:
            self._problem.text.append(kept[: self._room])
            self._room -= len(kept)
        if self._room <= 0:
            self.parser.listen(to_text=False)

    def _start_root(self, tag: str) -> None:
        self.began = True
        if tag not in _ROOTS:
            raise not_junit(self._source, tag)

    def _ignore(self, tag: str) -> None:
        if tag != "stackTrace":
            self._ignored_at = self._depth
            self.parser.listen(to_text=False)

    def _start_suite(self, tag: str, attributes: dict[str, str]) -> None:
        self._refuse_inside_case(tag)
        around = self._suites[-1] if self._suites else _OUTSIDE
        name = attributes.get("name") or ""
        path = suite_path(around.path, name if tag == "testsuite" else "")
        self._suite_count += 1
        suite = _Suite(
            number=self._suite_count,
            path=cut(path, self._limits.name_length),
            file=self._file(attributes.get("file") or around.file),
            from_pytest=around.from_pytest or name == _PYTEST[tag],
        )
        self._suites.append(suite)

    def _start_case(self, attributes: dict[str, str]) -> None:
        if self._case is not None:
            self._refuse_inside_case("testcase")
        suite = self._suites[-1]
        get = attributes.get
        name = case_name(suite.path, get("classname") or "", get("name") or "")
        if not name:
            what = f"{self._source}: a test case without a name in line {self._line()}"
            raise InvalidInput(what, attributes, "Give it a name or classname attribute.")
        name = cut(name, self._limits.name_length)
        self._case = Case(
            name=name,
            file=self._file(get("file") or suite.file),
            duration_s=self._seconds(get("time"), name),
            status=get("status") or "",
            suite=suite.number,
            from_pytest=suite.from_pytest,
        )

    def _start_problem(self, case: Case, tag: str, attributes: dict[str, str]) -> None:
        verdict, place = PROBLEMS[tag]
        longest = self._limits.message_length + 1
        self._problem = Problem(
            verdict=verdict,
            place=place,
            duration_s=self._seconds(attributes.get("time"), case.name),
            kind=(attributes.get("type") or "")[:longest],
            message=(attributes.get("message") or "")[:longest],
        )
        self._problem_at = self._depth
        self._room = longest
        self.parser.listen(to_text=True)
        case.problems.append(self._problem)
        if len(case.problems) > self._limits.attempts:
            what = f"{self._source}: the number of failures of {shorten(case.name)}"
            raise TooLarge(what, len(case.problems), self._limits.attempts)

    def _refuse_inside_case(self, tag: str) -> None:
        if self._case is not None:
            reason = f"<{tag}> inside the test case {shorten(self._case.name)}, line {self._line()}"
            raise UnreadableSource(self._source, reason, "JUnit XML nests suites, never cases.")

    def _seconds(self, text: str | None, name: str) -> float:
        try:
            return seconds(text, self._limits.duration_s)
        except ValueError:
            what = f"{self._source}: time of {shorten(name)} in line {self._line()}"
            limit = f"Write seconds from 0 to {self._limits.duration_s:.0f}, or leave it out."
            raise InvalidInput(what, text, limit) from None

    def _file(self, path: str) -> str:
        if len(path) > self._limits.file_length:
            what = f"{self._source}: the file attribute in line {self._line()}"
            advice = f"The limit is {self._limits.file_length} characters."
            raise InvalidInput(what, path, advice)
        return path

    def _line(self) -> int:
        return self.parser.getLineNumber()
