"""What reaches the log, and what does not."""

import io
import json
import sys

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from devmind import logs


@pytest.fixture(name="lines")
def _lines(monkeypatch):
    """Return what was logged so far, each line parsed."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    logs.configure(json=True, level="info")
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    monkeypatch.undo()
    logs.configure(json=True)


def fail(error):
    raise error


def test_a_line_is_an_object(lines):
    """
    Whatever is logged, line breaks and a traceback included, is one JSON object on one line.
    """
    log = structlog.get_logger("test")
    try:
        fail(ValueError("two\nlines"))
    except ValueError:
        log.exception("it broke", path='a"b\n{}')

    (line,) = lines()

    assert line["level"] == "error"
    assert line["path"] == 'a"b\n{}'
    assert "ValueError: two\nlines" in line["exception"]


def test_no_secret_is_logged(lines):
    """
    Neither a field that is named like a secret nor a password in an address, wherever the address
    stands, reaches the log.
    """
    log = structlog.get_logger("test")
    address = "postgresql://ann:hunter2@db:5432/ci"
    try:
        fail(ConnectionError(f"cannot reach {address}"))
    except ConnectionError as error:
        log.exception("away", why=str(error), api_key="hunter2", Authorization="Bearer hunter2")
    said = f"cannot reach {address}"
    log.error(said)

    assert "hunter2" not in json.dumps(lines())
    assert lines()[1]["event"] == "cannot reach postgresql://ann:***@db:5432/ci"


def test_debug_lines_wait_for_their_level(lines):
    """
    What is below the level is not written.
    """
    log = structlog.get_logger("test")
    log.debug("detail")
    log.info("news")

    assert [line["event"] for line in lines()] == ["news"]


@given(st.text(min_size=1, max_size=9), st.integers(1, 2000))
def test_a_line_is_bounded(words, times):
    """
    No field is longer than its bound, and one that was cut keeps its beginning and its end.
    """
    value = words * times
    shown = logs.bound_fields(None, "info", {"why": value})["why"]

    assert len(shown) == min(len(value), logs.LONGEST)
    assert shown[:1000] == value[:1000]
    assert shown[-1000:] == value[-1000:]


def test_what_is_no_text_is_bounded_too():
    """
    A long list becomes a short text of it; numbers stay numbers.
    """
    event = {"event": "x", "files": list(range(10_000)), "seconds": 0.5, "none": None}

    shown = logs.bound_fields(None, "info", event)

    assert len(shown["files"]) <= logs.LONGEST
    assert (shown["seconds"], shown["none"]) == (0.5, None)
