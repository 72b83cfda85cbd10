"""What it costs to find a build's events, in steps of SQLite's machine."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from history.open import open_history
from tests.history.builders import build, report, story


@contextmanager
def counted():
    """Count what SQLite does, in hundreds of steps."""
    steps = []

    def connected(connection, _record):
        connection.set_progress_handler(lambda: steps.append(1) and 0, 100)

    event.listen(Engine, "connect", connected)
    try:
        yield steps
    finally:
        event.remove(Engine, "connect", connected)


def steps_of(asked, builds, folder):
    """The steps of a question about the fifth build of a project with so many."""
    url = f"sqlite:///{folder / f'{builds}.db'}"
    queued = [build(number) for number in range(builds)]
    with open_history(url) as store:
        store.append("shop", [told for one in queued for told in story(one, report("adds"))])
    with counted() as steps, open_history(url) as store:
        store.last_sequence("shop")
        before = len(steps)
        assert len(asked(store, queued[5].build_id, 3 * builds)) == 1
        return len(steps) - before


@pytest.mark.parametrize(
    "asked",
    [
        lambda store, build_id, until: store.reports("shop", build_id, until=until),
        lambda store, build_id, until: store.ends("shop", [build_id], until=until),
        lambda store, build_id, until: store.unpacked_reports(build_id, until=until),
    ],
    ids=["reports", "ends", "unpacked"],
)
def test_a_builds_events_are_found_however_long_the_history(asked, tmp_path):
    """
    In a history that is forty times as long, a build's events are found in about as many steps.
    """
    assert steps_of(asked, 1000, tmp_path) <= steps_of(asked, 25, tmp_path) + 5
