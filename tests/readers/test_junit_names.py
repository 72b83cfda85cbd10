"""What the tests of a JUnit file are called."""

from __future__ import annotations

from io import BytesIO
from xml.sax.saxutils import quoteattr

import pytest

from devmind.readers.junit import JUnitLimits, read_junit

SCRIPTS = (
    "Größe мост γάμμα שלום سلام उदाहरण উদাহরণ ਉਦਾਹਰਣ ઉદાહરણ ଉଦାହରଣ உதாரணம் ఉదాహరణ ಉದಾಹರಣೆ ഉദാഹരണം"
    " උදාහරණ ตัวอย่าง ຕົວຢ່າງ དཔེར་ ဥပမာ მაგალითი օրինակ ምሳሌ ᏣᎳᎩ ᐃᓄᒃᑎᑐᑦ ឧទាហរណ៍ ᠮᠣᠩᠭᠣᠯ 例 ひらがな"
    " カタカナ 예시 ㄅㄆㄇ ꆈꌠ ⵜⵉⴼⵉⵏⴰⵖ ߒߞߏ ᱥᱟᱱᱛᱟᱲᱤ ᬩᬮᬶ ꦗꦮ ᮞᮥᮔ᮪ᮓ 𐌲𐌿𐍄 𒀭 𓂀 ދިވެހި ܣܘܪܝܝܐ 🛒 ᚠᚢᚦ"
).split()

NAMES = [
    ('<testcase classname="a.B" name="c"/>', "a.B::c"),
    ('<testcase name="c"/>', "outer::inner::c"),
    ('<testcase classname="" name="c"/>', "outer::inner::c"),
    ('<testcase classname="c" name="c"/>', "outer::inner::c"),
    ('<testcase classname="test" name="c"/>', "outer::inner::c"),
    ('<testcase classname="adds up" name="cart adds up"/>', "outer::inner::cart adds up"),
    ('<testcase classname="up" name="backup"/>', "up::backup"),
    ('<testcase classname="a.B" name=""/>', "a.B"),
    ("<testcase/>", "outer::inner"),
]


def report(body):
    return read_junit(BytesIO(f"<testsuites>{body}</testsuites>".encode()))


@pytest.mark.parametrize(("xml", "name"), NAMES)
def test_a_name_is_the_class_and_the_name_or_the_suites_and_the_name(xml, name):
    """
    The rule of `devmind.readers.junit` holds, with and without a class name.
    """
    body = f'<testsuite name="outer"><testsuite name="inner">{xml}</testsuite></testsuite>'

    assert [name] == [run.name for run in report(body).runs]


def test_a_suite_ends_where_its_element_ends():
    """
    A case after a nested suite belongs to the suite around it, a case after all to none.
    """
    body = (
        '<testsuite name="outer" file="o"><testsuite name="inner" file="i"><testcase name="a"/>'
        '</testsuite><testcase name="b"/></testsuite><testcase name="c"/>'
    )

    names = [(run.name, run.file) for run in report(body).runs]

    assert names == [("outer::inner::a", "i"), ("outer::b", "o"), ("c", "")]


def test_names_in_forty_scripts_are_kept():
    """
    A name is the same characters in, the same characters out.
    """
    assert len(SCRIPTS) >= 40
    body = "".join(f"<testcase name={quoteattr(word)}/>" for word in SCRIPTS)

    assert [run.name for run in report(body).runs] == SCRIPTS


def test_a_long_name_is_cut_and_stays_unique():
    """
    Two names of 10,000 characters that differ in the last one keep different, stable names.
    """
    long = ["x" * 9_999 + end for end in "ab"]
    body = "".join(f'<testcase name="{name}"/>' for name in long)

    first, second = (run.name for run in report(body).runs)

    assert len(first) == len(second) == JUnitLimits().name_length
    assert first != second
    assert [first, second] == [run.name for run in report(body).runs]


def test_a_name_at_the_limit_is_kept():
    """
    Only what is over the limit is cut.
    """
    assert report(f'<testcase name="{"x" * 2_000}"/>').runs[0].name == "x" * 2_000
