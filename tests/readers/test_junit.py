"""How JUnit XML becomes test runs."""

from __future__ import annotations

from io import BytesIO

import pytest

from devmind.ci import TestReport, Verdict
from devmind.errors import InvalidInput
from devmind.readers.junit import JUnitLimits, read_junit, read_runs
from devmind.runs import RunLists

FAILURES = [
    ("", Verdict.PASSED),
    ("<failure/>", Verdict.FAILED),
    ("<error/>", Verdict.ERROR),
    ("<skipped/>", Verdict.SKIPPED),
    ("<failure/><failure/>", Verdict.FAILED),
    ("<error/><failure/>", Verdict.FAILED),
    ("<skipped/><error/>", Verdict.ERROR),
    ('<failure/><skipped type="todo"/>', Verdict.SKIPPED),
    ("<system-out>fine</system-out><properties/><unknown/>", Verdict.PASSED),
    ("<system-out><failure/></system-out>", Verdict.PASSED),
]

STATUSES = [
    ("run", Verdict.PASSED),
    ("NOTRUN", Verdict.SKIPPED),
    ("disabled", Verdict.SKIPPED),
    ("failed", Verdict.FAILED),
    ("error", Verdict.ERROR),
]

TIMES = [
    ("", 0.0),
    (" ", 0.0),
    ("0", 0.0),
    ("-0.000", 0.0),
    ("1.5", 1.5),
    (" 1.5 ", 1.5),
    ("2e-05", 0.00002),
    ("1,234.56", 1234.56),
    ("1,234,567.8", 1234567.8),
    ("1,234", 1234.0),
    ("0,123", 0.123),
    ("12,5", 12.5),
]


def report(body):
    return read_junit(BytesIO(f"<testsuites>{body}</testsuites>".encode()))


def case(inside="", attributes=""):
    body = f'<testsuite><testcase name="t" {attributes}>{inside}</testcase></testsuite>'
    return report(body).runs


@pytest.mark.parametrize(("inside", "verdict"), FAILURES)
def test_the_verdict_is_the_worst_that_the_case_contains(inside, verdict):
    """
    A failure outweighs an error, an error a skip; a todo excuses; output says nothing.
    """
    assert [verdict] == [run.verdict for run in case(inside)]


@pytest.mark.parametrize(("status", "verdict"), STATUSES)
def test_a_status_counts_where_no_element_tells_the_verdict(status, verdict):
    """
    Ctest and GoogleTest tell only by `status` that a test was disabled.
    """
    assert [verdict] == [run.verdict for run in case(attributes=f'status="{status}"')]
    assert [run.verdict for run in case("<failure/>", attributes=f'status="{status}"')] == [
        Verdict.FAILED
    ]


@pytest.mark.parametrize(("time", "duration_s"), TIMES)
def test_times_are_read_as_tools_write_them(time, duration_s):
    """
    Thousands separators, decimal commas and missing times are understood.
    """
    assert duration_s == case(attributes=f'time="{time}"')[0].duration_s


@pytest.mark.parametrize(
    "time", ["-1", "-0.001", "NaN", "inf", "1e300", "fast", "1,23,4.5", "0.5s"]
)
def test_an_impossible_time_is_refused_with_its_value(time):
    """
    A negative, infinite or unreadable time is an error that names value, test and line.
    """
    with pytest.raises(InvalidInput) as caught:
        case(attributes=f'time="{time}"')

    assert time == caught.value.value
    assert "time of 't' in line 1" in str(caught.value)


def test_a_case_that_occurs_again_is_an_attempt():
    """
    Attempts of one name count on through the file, whatever stands between them.
    """
    body = (
        '<testcase name="a"><failure/></testcase><testcase name="b"/>'
        '<testcase name="a"/><testcase name="a"><flakyError/></testcase>'
    )

    runs = [(run.name, run.attempt, str(run.verdict)) for run in report(body).runs]

    assert runs == [
        ("a", 1, "failed"),
        ("b", 1, "passed"),
        ("a", 2, "passed"),
        ("a", 3, "error"),
        ("a", 4, "passed"),
    ]


@pytest.mark.parametrize(
    ("inside", "attempts"),
    [
        ("<flakyFailure/><flakyError/>", [("failed", 0), ("error", 0), ("passed", 9)]),
        ("<failure/><rerunFailure/><rerunError/>", [("failed", 9), ("failed", 0), ("error", 0)]),
        ("<rerunFailure/><error/>", [("error", 9), ("failed", 0)]),
        ("<rerunFailure/>", [("failed", 0), ("passed", 9)]),
        ('<flakyFailure time="2"/><failure/>', [("failed", 2), ("failed", 9)]),
    ],
)
def test_reruns_inside_a_case_are_attempts(inside, attempts):
    """
    Flaky attempts fail before the last one passes; after a failure every rerun failed too.
    """
    runs = case(inside, attributes='time="9"')

    assert attempts == [(str(run.verdict), run.duration_s) for run in runs]
    assert list(range(1, len(runs) + 1)) == [run.attempt for run in runs]


def test_a_silent_attempt_of_pytest_has_failed():
    """
    Pytest writes a rerun's failed attempt as an empty case; elsewhere an empty case has passed.
    """
    cases = '<testcase name="a"/><testcase name="a"/>'

    pytest_runs = report(f'<testsuite name="pytest">{cases}</testsuite>').runs
    other_runs = report(f'<testsuite name="other">{cases}</testsuite>').runs

    assert [run.verdict for run in pytest_runs] == [Verdict.FAILED, Verdict.PASSED]
    assert [run.verdict for run in other_runs] == [Verdict.PASSED, Verdict.PASSED]


def test_the_same_test_in_two_runs_of_pytest_is_no_rerun():
    """
    In a file merged from two runs of pytest, what passed twice has passed twice.
    """
    suite = '<testsuite name="pytest"><testcase classname="m" name="a"/></testsuite>'

    runs = report(suite + suite).runs

    assert [(r.attempt, r.verdict) for r in runs] == [(1, Verdict.PASSED), (2, Verdict.PASSED)]


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ("<failure/>", ""),
        ('<failure type="OSError"/>', "OSError"),
        ('<failure message="no"/>', "no"),
        ("<failure>\n  first\n  second\n</failure>", "first\n  second"),
        ('<failure message="no">trace</failure>', "no\ntrace"),
        ('<failure message="no">OSError: no\ntrace</failure>', "OSError: no\ntrace"),
        ('<skipped message="later">file.py:3: later</skipped>', "later"),
        ("<failure><![CDATA[<a> & <b>]]></failure>", "<a> & <b>"),
        ("<failure>one<system-out>no</system-out>two<b>no</b></failure>", "onetwo"),
        ("<failure>one</failure><failure>two</failure>", "one"),
    ],
)
def test_a_message_is_the_reason_and_the_beginning_of_the_text(inside, message):
    """
    What is said once is kept once; output inside a failure is no part of it.
    """
    assert [message] == [run.message for run in case(inside)]


def test_a_long_message_is_cut():
    """
    A message keeps to the limits of lines and characters and shows that it was cut.
    """
    limits = JUnitLimits()
    many_lines = case(f"<failure>{'line' + chr(10)}{'x' + chr(10) * 100}y</failure>")[0].message
    many_words = case(f"<failure message='{'word ' * 1_000}'>text</failure>")[0].message

    assert many_lines.endswith("\n...")
    assert many_lines.count("\n") <= limits.message_lines
    assert many_words.endswith("word w\n...")
    assert len(many_words) <= limits.message_length


def test_a_report_may_hold_no_test():
    """
    A report without cases is read as one, under the name it is given.
    """
    assert TestReport(runs=(), name="unit") == read_junit(BytesIO(b"<testsuite/>"), name="unit")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "cp1252"])
def test_a_declared_encoding_is_followed(encoding):
    """
    UTF-8 with and without its mark, UTF-16 and eight-bit encodings give the same names.
    """
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    first_line = f'<?xml version="1.0" encoding="{declared}"?>'
    xml = f'{first_line}<testsuite><testcase name="größe"/></testsuite>'

    runs = read_junit(BytesIO(xml.encode(encoding))).runs

    assert [run.name for run in runs] == ["größe"]


def test_lists_say_what_the_report_says():
    """
    Runs read as lists are the report's runs, reruns that pytest does not explain included.
    """
    xml = (
        b'<testsuite name="pytest" file="m.py"><testcase classname="m" name="a" time="1"/>'
        b'<testcase classname="m" name="a"><failure message="no"/></testcase>'
        b'<testcase classname="m" name="b"><flakyError>odd</flakyError></testcase></testsuite>'
    )
    lists = read_runs(BytesIO(xml))

    assert lists.runs() == read_junit(BytesIO(xml)).runs
    assert lists.attempts == [1, 2, 1, 2]
    assert RunLists.of(lists.runs()).runs() == lists.runs()
