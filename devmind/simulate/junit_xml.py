"""A test report as JUnit XML, lean: the file a simulated job uploads."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from devmind.ci import TestReport, TestRun, Verdict


def junit_xml(report: TestReport) -> bytes:
    """Return the XML of *report*; a test that ran twice stands in it twice."""
    failed = sum(run.verdict.failing for run in report.runs)
    skipped = sum(run.verdict is Verdict.SKIPPED for run in report.runs)
    seconds = sum(run.duration_s for run in report.runs)
    counts = f'tests="{len(report.runs)}" failures="{failed}" skipped="{skipped}" errors="0"'
    suite = f'<testsuite name={quoteattr(report.name)} {counts} time="{seconds:.3f}">'
    cases = "\n".join(map(_case, report.runs))
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{suite}\n{cases}\n</testsuite>\n'
    return text.encode()


def _case(run: TestRun) -> str:
    classname, _, case = run.name.rpartition("::")
    start = (
        f"<testcase classname={quoteattr(classname)} name={quoteattr(case)}"
        f' file={quoteattr(run.file)} time="{run.duration_s:.3f}"'
    )
    if run.verdict is Verdict.PASSED:
        return f"{start}/>"
    if run.verdict is Verdict.SKIPPED:
        return f"{start}><skipped/></testcase>"
    message = quoteattr(run.message)
    return f"{start}><failure message={message}>{escape(run.message)}</failure></testcase>"
