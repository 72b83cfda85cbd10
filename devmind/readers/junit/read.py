"""The reader: bytes in, a test report or a clear error out."""

from __future__ import annotations

from typing import BinaryIO
from xml.sax import SAXParseException

from defusedxml.common import DefusedXmlException

from devmind.ci import TestReport
from devmind.errors import TooLarge, UnreadableSource
from devmind.readers.junit.broken import declares_type, not_well_formed, unknown_encoding
from devmind.readers.junit.foreign import not_xml
from devmind.readers.junit.handler import CaseHandler
from devmind.readers.junit.limits import JUnitLimits
from devmind.runs import RunLists

_CHUNK_BYTES = 2**16
_LARGEST_CHUNK_BYTES = 2**20
_DEFAULTS = JUnitLimits()


def read_junit(stream: BinaryIO, *, name: str = "", limits: JUnitLimits = _DEFAULTS) -> TestReport:
    """Read a JUnit XML file in one pass, in memory that depends on its test cases alone.

    Document types and entities are refused (`defusedxml`), output of tests is skipped.

    Args:
        stream: The file, opened in binary mode; read from where it stands, not closed.
        name: What the report is called among the reports of its build, and in errors.
        limits: How much is accepted.

    Returns:
        All test runs in the order of the file; none of them if there is any error.

    Raises:
        UnreadableSource: If it is not JUnit XML, not well-formed, cut off, empty or hostile.
        InvalidInput: If a test case has no name, or a time or file that cannot be.
        TooLarge: If a limit is passed.

    Example:
        >>> from io import BytesIO
        >>> xml = b'<testsuite><testcase classname="cart" name="adds" time="0.2"/></testsuite>'
        >>> read_junit(BytesIO(xml)).runs[0].name
        'cart::adds'
    """
    return TestReport(runs=read_runs(stream, name=name, limits=limits).runs(), name=name)


def read_runs(stream: BinaryIO, *, name: str = "", limits: JUnitLimits = _DEFAULTS) -> RunLists:
    """Read a JUnit XML file as `read_junit` does, but return its runs as lists."""
    pass_ = _Pass(name or "JUnit report", limits)
    while chunk := stream.read(pass_.wants_bytes):
        pass_.feed(chunk)
    pass_.close()
    return pass_.handler.runs.lists


class _Pass:
    """One pass of the guarded parser over a file; every error leaves it as one of ours."""

    def __init__(self, source: str, limits: JUnitLimits) -> None:
        self.handler = CaseHandler(source, limits)
        self.wants_bytes = _CHUNK_BYTES
        self._parser = self.handler.parser
        self._source = source
        self._limits = limits
        self._size_bytes = 0
        self._beginning = b""

    def feed(self, chunk: bytes) -> None:
        """Parse the next *chunk*."""
        self._beginning = self._beginning or chunk[:200]
        self._size_bytes += len(chunk)
        if self._size_bytes > self._limits.size_bytes:
            raise TooLarge(f"{self._source}: its size", self._size_bytes, self._limits.size_bytes)
        self._parse(chunk)
        self._watch(self._size_bytes - self._parser.parsed_bytes)

    def close(self) -> None:
        """Finish: whatever is still open is an error."""
        if not self._size_bytes:
            advice = "The test tool has written nothing; did it run to its end?"
            raise UnreadableSource(self._source, "the file is empty", advice)
        self._parse(None)

    def _parse(self, chunk: bytes | None) -> None:
        try:
            if chunk is None:
                self._parser.close()
            else:
                self._parser.feed(chunk)
        except SAXParseException as error:
            raise self._explain(error, chunk or b"") from None
        except DefusedXmlException as error:
            raise not_xml(self._source, self._beginning) or declares_type(
                self._source, error
            ) from None
        except (LookupError, ValueError) as error:
            raise unknown_encoding(self._source, self._beginning, error) from None

    def _explain(self, error: SAXParseException, chunk: bytes) -> UnreadableSource:
        foreign = None if self.handler.began else not_xml(self._source, self._beginning)
        return foreign or not_well_formed(
            self._source, error, self._beginning, chunk, self.handler.open_case
        )

    def _watch(self, pending_bytes: int) -> None:
        """Read on in larger steps while one token fills the parser's buffer, up to the limit."""
        if pending_bytes > self._limits.token_bytes:
            what = (
                f"{self._source}: the attributes or comment in line {self._parser.getLineNumber()}"
            )
            raise TooLarge(what, pending_bytes, self._limits.token_bytes)
        self.wants_bytes = min(max(_CHUNK_BYTES, pending_bytes), _LARGEST_CHUNK_BYTES)
