import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmind.errors import InvalidInput, NotFound
from devmind.events import Queued
from history.events import Snapshot
from history.snapshots import SPACING, spaced
from tests.history.builders import build
from tests.history.test_properties import bounded


@pytest.fixture(name="shop")
def _shop(store):
    store.append("shop", [Queued(build=build(i)) for i in range(10)])
    return store


def snapshot(as_of, *, project="shop", state="build/1", body=b"frozen"):
    return Snapshot(project=project, state=state, as_of=as_of, body=body)


def test_newest_snapshot_is_loaded(shop):
    """
    Of a state's snapshots the one that has seen the most events is given.
    """
    for as_of in (4, 9, 6):
        shop.save_snapshot(snapshot(as_of))

    assert snapshot(9) == shop.load_snapshot("shop", "build/1")
    assert snapshot(4) == shop.load_snapshot("shop", "build/1", until=8)
    assert shop.load_snapshot("shop", "build/1", until=3) is None
    assert shop.load_snapshot("shop", "build/2") is None


def test_old_snapshots_go(shop):
    """
    Of a state's neighbouring snapshots the newest stays; other states are left alone.
    """
    shop.save_snapshot(snapshot(1, state="test/1"))
    for as_of in range(2, 6):
        shop.save_snapshot(snapshot(as_of))

    assert snapshot(5) == shop.load_snapshot("shop", "build/1")
    assert snapshot(2) == shop.load_snapshot("shop", "build/1", until=4)
    assert snapshot(1, state="test/1") == shop.load_snapshot("shop", "test/1")


@given(st.lists(st.integers(1, 900), min_size=1, max_size=60), st.integers(2, 4))
def test_there_is_a_snapshot_for_readers_of_the_past(steps, keep):
    """
    However often a state is frozen, few snapshots stay, among them the newest and one from so far
    back as `keep` - 2 spacings, once the history is that long.
    """
    marks, newest = [], 0
    for step in steps:
        newest += step
        marks = spaced([*marks, newest], keep)

        assert marks[-1] == newest
        assert len(marks) <= keep
        assert marks[0] == steps[0] or newest - marks[0] > (keep - 2) * SPACING


def test_second_snapshot_replaces_the_first(shop):
    """
    Saving at the same event again keeps the newer body.
    """
    shop.save_snapshot(snapshot(4))
    shop.save_snapshot(snapshot(4, body=b"again"))

    assert snapshot(4, body=b"again") == shop.load_snapshot("shop", "build/1")


def test_snapshot_ahead_of_history_is_refused(shop):
    """
    A snapshot cannot have seen events that do not exist.
    """
    with pytest.raises(InvalidInput, match="11"):
        shop.save_snapshot(snapshot(11))
    with pytest.raises(NotFound):
        shop.save_snapshot(snapshot(0, project="bank"))


@bounded
@given(body=st.binary(max_size=5_000))
def test_bodies_come_back(shared_store, new_project, body):
    """
    Any bytes are given back as they were saved.
    """
    project = new_project()
    shared_store.append(project, [Queued(build=build(project=project))])
    shared_store.save_snapshot(snapshot(1, project=project, body=body))

    assert body == shared_store.load_snapshot(project, "build/1").body
