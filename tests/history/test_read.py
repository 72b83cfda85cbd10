import numpy as np
import pytest

from devmind.ci import TestReport, TestRun, Verdict
from devmind.errors import NotFound
from devmind.events import Queued, Reported
from tests.history.builders import build, report, story


def test_tail_pages(store):
    """
    `tail` gives at most *limit* events after *after*, none after *until*.
    """
    store.append("shop", [Queued(build=build(i)) for i in range(10)])

    assert [event.sequence for event in store.tail("shop", after=3, limit=3)] == [4, 5, 6]
    assert [event.sequence for event in store.tail("shop", after=8)] == [9, 10]
    assert [event.sequence for event in store.tail("shop", after=3, until=5)] == [4, 5]
    assert store.tail("shop", after=10) == []


def test_read_gives_everything_once(store):
    """
    `read` yields each event once, over page borders.
    """
    events = [event for i in range(300) for event in story(build(i))]
    store.append("shop", events)

    assert list(range(1, 601)) == [event.sequence for event in store.read("shop")]
    assert list(range(256, 513)) == [e.sequence for e in store.read("shop", after=255, until=512)]


@pytest.mark.parametrize("project", ["unknown", "with\0nul", "\ud800"])
def test_unknown_project_is_empty(store, project):
    """
    A project never seen has no events, whatever its name.
    """
    assert store.tail(project) == []
    assert list(store.read(project)) == []
    assert store.test_names(project) == []
    assert store.last_sequence(project) == 0
    assert store.load_snapshot(project, "build/1") is None


def test_build_is_found_by_id(store):
    """
    A build comes back as it was queued; an unknown id is not found.
    """
    queued = build(trigger="push")
    store.append("shop", [Queued(build=queued)])

    assert queued == store.build(queued.build_id)
    for unknown in ("nobody", "no\0body", "\ud800"):
        with pytest.raises(NotFound):
            store.build(unknown)


def test_messages_are_kept(store):
    """
    What a failing test said can be read back, run by run.
    """
    runs = tuple(
        TestRun(name=name, verdict=Verdict.FAILED, message=message)
        for name, message in (("a", "expected 1\0"), ("b", ""), ("a", "期待"))
    )
    store.append("shop", story(build(), TestReport(runs=runs), report("a", name="silent")))

    assert store.messages("shop", 2) == ["expected 1\0", "", "期待"]
    assert store.messages("shop", 3) == [""]
    for project, sequence in (("shop", 1), ("shop", 99), ("bank", 2)):
        with pytest.raises(NotFound):
            store.messages(project, sequence)


def test_columns_have_their_types(store):
    """
    A report's columns come back as the arrays the border promises, protected from writing.
    """
    queued = build()
    runs = (
        TestRun(name="a", verdict=Verdict.ERROR, duration_s=1.5),
        TestRun(name="a", verdict=Verdict.SKIPPED, attempt=2, file="tests/a.py"),
    )
    event = Reported(build_id=queued.build_id, report=TestReport(runs=runs))
    store.append("shop", [Queued(build=queued), event])

    (found,) = store.tail("shop", after=1)

    expected = {
        "tests": np.array([0, 0], np.int32),
        "verdicts": np.array([2, 3], np.int8),
        "durations_s": np.array([1.5, 0.0], np.float32),
        "attempts": np.array([1, 2], np.int16),
    }
    for name, array in expected.items():
        np.testing.assert_array_equal(array, getattr(found, name), strict=True)
        assert not getattr(found, name).flags.writeable
