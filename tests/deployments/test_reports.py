"""Reports as JSON are taken and refused as the models of the wire take and refuse them."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.http import examples
from deployments.http.bodies import parse
from deployments.http.problems import InvalidBody
from deployments.http.reports import read_report
from devmind.ci import Verdict
from devmind.wire import ReportBody

odd = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["passed", "x" * 2_000, "x" * 2_001, "x" * 20_001, 1, 10_000, 10_001, []])
)
runs = st.fixed_dictionaries(
    {"name": st.text(min_size=1, max_size=9), "verdict": st.sampled_from(Verdict)},
    optional={
        "duration_s": st.floats(0, 366 * 86_400) | st.integers(0, 9),
        "attempt": st.integers(1, 10_000),
        "file": st.text(max_size=9),
        "message": st.text(max_size=9),
    },
)
reports = st.fixed_dictionaries(
    {"runs": st.lists(runs, max_size=3)}, optional={"name": st.text(max_size=9)}
)


@st.composite
def spoilt(draw):
    """A report in which one thing is odd, or missing, or too much."""
    report = draw(reports)
    place = draw(st.sampled_from([report, *report["runs"]]))
    key = draw(st.sampled_from([*place, "colour"]))
    if draw(st.booleans()):
        place[key] = draw(odd)
    else:
        place.pop(key, None)
    return report


def answers(body):
    """What both ways say: the report, or the refusal."""
    for read in (read_report, lambda raw: parse(ReportBody, raw).domain()):
        try:
            yield read(body)
        except InvalidBody as error:
            yield error.fields, error.count


@settings(deadline=None, max_examples=300)
@given(reports | spoilt())
def test_the_fast_way_says_what_the_model_says(report):
    """
    Whatever is sent, both take it and give the same runs, or both refuse it in the same words.
    """
    fast, slow = answers(json.dumps(report).encode())

    assert fast == slow
    assert repr(fast) == repr(slow)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"runs": []} x',
        b'{"runs": [{"name": "\\ud800", "verdict": "passed"}]}',
        b'{"runs": [{"name": "a\xff", "verdict": "passed"}]}',
        b'{"runs": [{"name": "a", "verdict": "passed", "attempt": 1.0}]}',
        b'{"runs": [{"name": "a", "verdict": "passed", "duration_s": 1e999}]}',
        b'{"runs": [{"name": "a", "verdict": "passed", "duration_s": -0.0}]}',
        b'{"runs": [], "runs": [{"name": "a", "verdict": "passed"}]}',
        b"\xef\xbb\xbf" + json.dumps(examples.REPORT).encode(),
        b"[" * 5_000,
        b'{"runs": ' + b"[" * 5_000,
    ],
)
def test_odd_json_is_read_the_same_both_ways(body):
    """
    Broken, doubled, nested and badly encoded JSON is taken or refused alike.
    """
    fast, slow = answers(body)

    assert repr(fast) == repr(slow)
