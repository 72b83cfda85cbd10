"""Output of tests passes through without filling memory."""

from __future__ import annotations

import tracemalloc
from io import BytesIO

import pytest

from devmind.readers.junit import read_junit

OUTPUT_BYTES = 50_000_000
PEAK_BYTES = 2_000_000
START = b'<testsuite name="pytest"><testcase classname="m" name="loud">'
END = b"</testcase></testsuite>"

OUTPUTS = {
    "lines": (START + b"<system-out>", b"a line of output &amp; more\n", b"</system-out>" + END),
    "one line": (START + b"<system-err>", b"x", b"</system-err>" + END),
    "CDATA": (START + b"<system-out><![CDATA[", b"<a> ]] & b\n", b"]]></system-out>" + END),
    "of a suite": (START + b"</testcase><system-out>", b"a line\n", b"</system-out></testsuite>"),
    "failure": (START + b"<failure>", b"a line of trace\n", b"</failure>" + END),
    "rerun": (
        START + b"<flakyFailure><stackTrace>a</stackTrace><system-out>",
        b"a line\n",
        b"</system-out></flakyFailure>" + END,
    ),
    "comments": (START + b"<properties>", b"<!-- a comment -->\n", b"</properties>" + END),
}


class Stream:
    """A file of 50 MB that is nowhere: *start*, *line* over and over, *end*."""

    def __init__(self, start, line, end):
        self._start = BytesIO(start)
        self._lines = line * (100_000 // len(line))
        self._left = OUTPUT_BYTES // len(self._lines)
        self._end = BytesIO(end)
        self._rest = b""

    def read(self, size):
        while len(self._rest) < size:
            more = self._start.read() or self._line() or self._end.read()
            if not more:
                break
            self._rest += more
        given, self._rest = self._rest[:size], self._rest[size:]
        return given

    def _line(self):
        self._left -= 1
        return self._lines if self._left >= 0 else b""


@pytest.mark.parametrize("what", OUTPUTS)
def test_fifty_megabytes_of_output_need_no_memory(what):
    """
    The peak of memory while 50 MB pass by is below 2 MB, wherever in the file they are.
    """
    stream = Stream(*OUTPUTS[what])
    tracemalloc.start()
    try:
        runs = read_junit(stream).runs
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert sorted({run.name for run in runs}) == ["m::loud"]
    assert peak < PEAK_BYTES
