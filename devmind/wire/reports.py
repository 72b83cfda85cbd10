"""The JSON form of a test report."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from devmind.ci import TestReport, TestRun, Verdict
from devmind.wire.base import MAX_RUNS, Attempt, Body, Seconds, TestName, Text, Word

TestFile = Annotated[str, Field(max_length=4_096)]


class TestRunBody(Body):
    """One execution of a test case."""

    name: TestName
    verdict: Verdict
    duration_s: Seconds = 0.0
    attempt: Attempt = 1
    file: TestFile = ""
    message: Text = ""

    __test__ = False  # pytest would take it for a test class


class ReportBody(Body):
    """The test runs of one job; `name` tells the reports of a build apart."""

    runs: Annotated[tuple[TestRunBody, ...], Field(max_length=MAX_RUNS)]
    name: Word = ""

    def domain(self) -> TestReport:
        """Return the domain object."""
        return TestReport(
            name=self.name,
            runs=tuple(
                TestRun(
                    name=run.name,
                    verdict=run.verdict,
                    duration_s=run.duration_s,
                    attempt=run.attempt,
                    file=run.file,
                    message=run.message,
                )
                for run in self.runs
            ),
        )

    @classmethod
    def of(cls, report: TestReport) -> ReportBody:
        """Return the JSON form of *report*."""
        return cls.model_validate(report, from_attributes=True)
