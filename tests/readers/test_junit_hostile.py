"""What is refused, and how it is said: with the value, its place, and what to do."""

from __future__ import annotations

import codecs
from io import BytesIO

import pytest

from devmind.errors import DevMindError, InvalidInput, TooLarge, UnreadableSource
from devmind.readers.junit import JUnitLimits, read_junit

LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
CASE = b'<testcase name="adds"/>'

UNREADABLE = {
    "empty": (b"", "the file is empty"),
    "blank": (b" \n ", "breaks off at line 2"),
    "only a declaration": (b'<?xml version="1.0"?>', "breaks off at line 1"),
    "half a tag": (b"<testsuite><testcase na", "breaks off at line 1"),
    "half a file": (b"<testsuite>" + CASE, "breaks off at line 1"),
    "half a case": (
        b'<testsuite><testcase name="adds"><system-out>',
        "breaks off at line 1, column 45, in the test case 'adds'",
    ),
    "half an output": (
        b'<testsuite><testcase name="adds"><system-out><![CDATA[...',
        "(unclosed CDATA section)",
    ),
    "two reports": (b"<testsuite/><testsuite/>", "something stands around the report at line 1"),
    "a blank line before the declaration": (
        b'\n<?xml version="1.0"?><testsuite/>',
        "something stands around the report at line 2",
    ),
    "an open ampersand": (
        b'<testsuite>\n<testcase name="a & b"/></testsuite>',
        "not well-formed XML at line 2, column 19",
    ),
    "a mismatch": (b"<testsuite></testsuites>", "mismatched tag"),
    "an unknown entity": (b'<testsuite name="&who;"/>', "undefined entity"),
    "a control character": (b'<testsuite name="\x1b[31m"/>', "control character 0x1b near line 1"),
    "a control character by number": (
        b'<testsuite name="&#27;"/>',
        "reference to invalid character number",
    ),
    "a NUL": (b"<testsuite>\0</testsuite>", "control character 0x00"),
    "Latin-1 said to be UTF-8": (
        b'<?xml version="1.0" encoding="UTF-8"?><testsuite name="gr\xf6\xdfe"/>',
        "byte 0xf6 near line 1, column 57 does not fit its encoding",
    ),
    "UTF-8 said to be UTF-16": (
        b'<?xml version="1.0" encoding="UTF-16"?><testsuite/>',
        "the encoding it declares ('UTF-16') cannot be read",
    ),
    "an unknown encoding": (
        b'<?xml version="1.0" encoding="klingon"?><testsuite/>',
        "the encoding it declares ('klingon') cannot be read",
    ),
    "an encoding of several bytes": (
        '<?xml version="1.0" encoding="shift_jis"?><testsuite name="例"/>'.encode("shift_jis"),
        "the encoding it declares ('shift_jis') cannot be read",
    ),
    "half of UTF-16": ("<testsuite/>".encode("utf-16")[:-3], "breaks off"),
    "a billion laughs": (
        f'<!DOCTYPE t [<!ENTITY l0 "ha">{LAUGHS}]><testsuite name="&l9;"/>'.encode(),
        "it declares <!DOCTYPE t>",
    ),
    "quadratic blowup": (
        f'<!DOCTYPE t [<!ENTITY a "{"a" * 9_999}">]><testsuite>{"&a;" * 999}</testsuite>'.encode(),
        "it declares <!DOCTYPE t>",
    ),
    "a foreign file": (
        b'<!DOCTYPE t [<!ENTITY f SYSTEM "file:///etc/passwd">]><testsuite name="&f;"/>',
        "it declares <!DOCTYPE t>",
    ),
    "a foreign document type": (
        b'<!DOCTYPE testsuite SYSTEM "http://127.0.0.1:9/x.dtd"><testsuite/>',
        "it declares <!DOCTYPE testsuite>",
    ),
    "a case in a case": (
        b'<testsuite>\n<testcase name="adds">' + CASE,
        "<testcase> inside the test case 'adds', line 2",
    ),
    "a suite in a case": (
        b'<testsuite><testcase name="adds"><testsuite/>',
        "<testsuite> inside the test case 'adds', line 1",
    ),
    "a case as root": (CASE, "it is not JUnit XML (its root is 'testcase')"),
    "another XML": (b"<shop/>", "it is not JUnit XML (its root is 'shop')"),
    "a long root": (b"<" + b"x" * 999 + b"/>", "(999 characters"),
    "TRX": (
        b'<TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"/>',
        "it looks like a Visual Studio test report (TRX) (its root is 'TestRun')",
    ),
    "xUnit.net": (b"<assemblies/>", "it looks like an xUnit.net report"),
    "NUnit 3": (b"<test-run/>", "it looks like an NUnit 3 report"),
    "NUnit 2": (b"<test-results/>", "it looks like an NUnit 2 report"),
    "XHTML": (b"<html/>", "it looks like an HTML page"),
    "HTML": (b"\n<!DOCTYPE html><html><body><br></body></html>", "it is an HTML page"),
    "old HTML": (b"<!doctype html><p>Log in</p>", "it is an HTML page"),
    "JSON": (b'{"tests": []}', "it is JSON, not JUnit XML"),
    "TAP": (b"TAP version 13\n1..1\nok 1\n", "it is TAP, not JUnit XML"),
    "gzip": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "it is gzip-compressed"),
    "ZIP": (b"PK\x03\x04\x14\x00", "it is a ZIP archive"),
    "noise": (bytes(range(255, 128, -1)), "line 1"),
}


def read(xml, **limits):
    return read_junit(BytesIO(xml), name="unit.xml", limits=JUnitLimits(**limits))


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_cannot_be_read_says_why_and_where(what):
    """
    Every broken, foreign or hostile file gives one error of ours that names file and reason.
    """
    xml, reason = UNREADABLE[what]

    with pytest.raises(UnreadableSource) as caught:
        read(xml)

    assert str(caught.value).startswith("unit.xml: ")
    assert reason in str(caught.value)
    assert caught.value.advice
    assert len(str(caught.value)) < 600
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_a_byte_order_mark_alone_is_refused(mark):
    """
    A file that holds its mark and nothing else breaks off.
    """
    with pytest.raises(UnreadableSource, match="breaks off"):
        read(mark)


def test_deep_nesting_is_refused_early():
    """
    A million elements inside each other end at the limit, not at the end of memory.
    """
    with pytest.raises(TooLarge) as caught:
        read(b"<testsuite>" * 1_000_000)

    assert (caught.value.size, caught.value.limit) == (101, 100)


@pytest.mark.parametrize("tag", [b"system-out", b"failure", b"unknown"])
def test_deep_nesting_is_refused_everywhere(tag):
    """
    The limit holds inside output, failures and unknown elements too.
    """
    with pytest.raises(TooLarge, match="nesting of XML elements in line 1"):
        read(b'<testsuite><testcase name="adds">' + b"<%b>" % tag * 1_000)


def test_too_many_runs_are_refused():
    """
    One run more than the limit refuses the report; as many as the limit are fine.
    """
    xml = b"<testsuite>%b</testsuite>"
    cases = b"".join(b'<testcase name="t%d"/>' % number for number in range(5))

    assert len(read(xml % cases, test_runs=5).runs) == 5
    with pytest.raises(TooLarge, match=r"unit\.xml: the number of test runs"):
        read(xml % cases, test_runs=4)


def test_too_many_attempts_are_refused():
    """
    A test that occurs more often than the limit is named.
    """
    with pytest.raises(TooLarge, match="the number of attempts of 'adds' is too large: 4"):
        read(b"<testsuite>%b</testsuite>" % (CASE * 5), attempts=3)


def test_reruns_in_one_case_count_as_runs():
    """
    Limits cannot be passed by by putting attempts inside a case.
    """
    with pytest.raises(TooLarge):
        read(
            b'<testsuite><testcase name="adds">%b</testcase></testsuite>'
            % (b"<flakyError/>" * 1_000),
            test_runs=100,
        )


def test_failures_in_one_case_have_a_limit():
    """
    A case that never ends is left before its failures fill memory.
    """
    with pytest.raises(TooLarge, match="the number of failures of 'adds' is too large: 101"):
        read(b'<testsuite><testcase name="adds">' + b"<failure>no</failure>" * 1_000, attempts=100)


def test_long_suite_names_do_not_multiply():
    """
    Ninety suites with long names inside each other give a name within the limit.
    """
    suites = b'<testsuite name="%b">' % (b"x" * 10_000) * 90
    xml = suites + CASE + b"</testsuite>" * 90

    (run,) = read(xml).runs

    assert len(run.name) == JUnitLimits().name_length


def test_a_long_file_name_is_refused_with_its_value():
    """
    A path of 10,000 characters is no path; the error shows how it begins.
    """
    with pytest.raises(InvalidInput, match="the file attribute in line 2: got 'xxx") as caught:
        read(b'<testsuite>\n<testcase name="adds" file="%b"/></testsuite>' % (b"x" * 10_000))

    assert caught.value.value == "x" * 10_000
    assert len(str(caught.value)) < 400


def test_a_case_that_nothing_names_is_refused():
    """
    Without name, class and suite there is nothing to tell a case from others.
    """
    with pytest.raises(InvalidInput, match="a test case without a name in line 2"):
        read(b'<testsuite>\n<testcase time="1"/></testsuite>')


@pytest.mark.parametrize(
    "xml",
    [b"<!--%b-->", b"<?p %b?>", b'<testsuite name="%b"/>', b"<%b/>"],
    ids=["comment", "instruction", "attribute", "name"],
)
def test_a_huge_token_is_refused_before_it_fills_memory(xml):
    """
    What XML cannot stream (a comment, an attribute, a name) has a limit of its own.
    """
    with pytest.raises(TooLarge, match="the attributes or comment in line 1"):
        read(xml % (b"x" * 3_000_000), token_bytes=1_000_000)


def test_a_large_attribute_below_the_limit_is_read():
    """
    A failure message of three megabytes in an attribute is cut, not refused.
    """
    failure = b'<failure message="%b"/>' % (b"x" * 3_000_000)

    runs = read(b'<testsuite><testcase name="adds">%b</testcase></testsuite>' % failure).runs

    assert runs[0].message.startswith("xxx")
    assert len(runs[0].message) <= JUnitLimits().message_length


def test_a_large_file_is_refused():
    """
    A stream that does not end is left at the limit of its size.
    """
    with pytest.raises(TooLarge, match=r"unit\.xml: its size"):
        read(b"<testsuite>" + b" " * 300_000, size_bytes=200_000)


def test_errors_without_a_name_call_it_a_junit_report():
    """
    A report sent without a name is still called something.
    """
    with pytest.raises(DevMindError, match="JUnit report: the file is empty"):
        read_junit(BytesIO(b""))
