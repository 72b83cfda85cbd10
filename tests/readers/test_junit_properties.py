"""What holds for every JUnit file, not only for those that we thought of."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from itertools import count
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devmind.ci import TestReport, TestRun, Verdict
from devmind.errors import InvalidInput, UnreadableSource
from devmind.readers.junit import read_junit

REPORTS = Path(__file__).parent.parent / "dialects" / "junit"
WORD = {Verdict.FAILED: "failure", Verdict.ERROR: "error", Verdict.SKIPPED: "skipped"}

texts = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=12,
)
cases = st.fixed_dictionaries(
    {
        "name": texts,
        "classname": st.one_of(st.none(), st.just(""), texts),
        "time": st.floats(0, 1e6),
        "file": st.one_of(st.just(""), texts),
        "verdict": st.sampled_from(Verdict),
        "flaky": st.lists(st.sampled_from([Verdict.FAILED, Verdict.ERROR]), max_size=2),
    }
)
suites = st.recursive(
    st.tuples(st.none() | texts, st.lists(cases, max_size=4)),
    lambda inner: st.tuples(st.none() | texts, st.lists(cases | inner, max_size=4)),
    max_leaves=8,
)


def write(tree, parent, path, number):
    """Write *tree* into *parent* and yield the runs that it means."""
    name, children = tree
    suite = ET.SubElement(parent, "testsuite", {} if name is None else {"name": name})
    path = path if name in (None, "(empty)") else [*path, name]
    for child in children:
        if isinstance(child, tuple):
            yield from write(child, suite, path, number)
        else:
            yield from write_case(child, suite, path, f"{child['name']}#{next(number)}")


def write_case(case, suite, path, name):
    words = {"name": name, "time": repr(case["time"]), "file": case["file"]}
    if case["classname"] is not None:
        words["classname"] = case["classname"]
    element = ET.SubElement(suite, "testcase", words)
    for verdict in case["flaky"]:
        ET.SubElement(element, f"flaky{WORD[verdict].title()}", {"message": "again"})
    if case["verdict"] in WORD:
        ET.SubElement(element, WORD[case["verdict"]]).text = "why"
    ET.SubElement(element, "system-out").text = "<failure/>"
    full = "::".join([case["classname"], name] if case["classname"] else [*path, name])
    verdicts = [*case["flaky"], case["verdict"]]
    for attempt, verdict in enumerate(verdicts, start=1):
        last = attempt == len(verdicts)
        yield TestRun(
            name=full,
            verdict=verdict,
            duration_s=case["time"] if last else 0.0,
            attempt=attempt,
            file=case["file"],
            message=("why" if verdict in WORD else "") if last else "again",
        )


@given(st.lists(suites, max_size=4), st.sampled_from(["utf-8", "utf-16", "us-ascii"]))
def test_a_written_tree_is_read_back(trees, encoding):
    """
    A tree of suites is read back with exactly its cases, attempts, times, files and messages.
    """
    number = count()
    root = ET.Element("testsuites")
    runs = tuple(run for tree in trees for run in write(tree, root, [], number))

    read = read_junit(BytesIO(ET.tostring(root, encoding=encoding)))

    assert runs == read.runs


class Slow(BytesIO):
    """A stream that gives a few bytes at a time, as networks do."""

    def __init__(self, content, sizes):
        super().__init__(content)
        self._sizes = sizes

    def read(self, size=-1):
        wanted = self._sizes.pop() if self._sizes else size
        return super().read(min(wanted, size))


@given(st.sampled_from(sorted(REPORTS.glob("*.xml"))), st.lists(st.integers(1, 40), max_size=200))
def test_how_the_bytes_arrive_does_not_matter(report, sizes):
    """
    A report that comes in pieces of any size is the report that comes at once.
    """
    content = report.read_bytes()

    assert read_junit(BytesIO(content)) == read_junit(Slow(content, sizes))


@given(st.sampled_from(sorted(REPORTS.glob("*.xml"))), st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_refused(report, share):
    """
    There is no place at which a half-written file passes for a shorter report.
    """
    content = report.read_bytes().rstrip()

    with pytest.raises(UnreadableSource):
        read_junit(BytesIO(content[: int(len(content) * share)]))


@settings(max_examples=300)
@given(st.sampled_from(sorted(REPORTS.glob("*.xml"))), st.data())
def test_a_damaged_file_gives_a_report_or_one_of_our_errors(report, data):
    """
    Whatever bytes are exchanged, nothing but a report or an error of ours comes out.
    """
    content = bytearray(report.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=6))
    with suppress(InvalidInput):
        assert isinstance(read_junit(BytesIO(content)), TestReport)


@given(st.binary(max_size=200))
def test_noise_is_refused(noise):
    """
    Bytes that are no XML are an error of ours.
    """
    with pytest.raises(InvalidInput):
        read_junit(BytesIO(noise))
