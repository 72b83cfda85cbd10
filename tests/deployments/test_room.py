"""States of many projects: bounded by bytes, saved when they leave, warm at the start."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments import room as rooms
from deployments.bench import Bench
from deployments.live_state import LiveStates
from deployments.room import Room
from deployments.warming import Warmer
from deployments.watched_states import WatchedStates
from devmind.errors import HistoryUnavailable
from features.build_state import BuildState
from features.verdict_state import TestState
from tests.deployments.company import PROJECT, record
from tests.deployments.fakes import Clock

KINDS = pytest.mark.parametrize("kind", [BuildState, TestState])


class Counted:
    """A store that counts the events it gives, and takes its time if told to."""

    def __init__(self, store, clock=None, takes_s=0.0):
        self.store = store
        self.clock, self.takes_s = clock, takes_s
        self.events = 0
        self.thawed = []

    def tail(self, project, *, after=0, limit=1000):
        events = self.store.tail(project, after=after, limit=limit)
        self.events += len(events)
        if self.clock is not None:
            self.clock.seconds += self.takes_s
        return events

    def load_snapshot(self, project, state):
        self.thawed.append(project)
        return self.store.load_snapshot(project, state)

    def save_snapshot(self, snapshot):
        self.store.save_snapshot(snapshot)


def make(history, *, kind=BuildState, clock=None, **more):
    options = {"max_age_s": 1.0, "capacity": 10, **more}
    return LiveStates(history=history, kind=kind, clock=clock or Clock(), **options)


async def ask(states, project=PROJECT):
    async with states.at(project) as live:
        return live.state.as_of, live.state.freeze()


PROJECTS = st.sampled_from("abcde")


@given(st.lists(st.tuples(PROJECTS, st.none() | st.integers(0, 90))), st.integers(1, 4))
def test_a_room_knows_what_it_holds(moves, projects):
    """
    Whatever comes, grows and goes, the room is full exactly if there are too many projects, or
    more than one and too many bytes.
    """
    room, sizes = Room(projects=projects, nbytes=100), {}
    for project, size in moves:
        if size is None:
            room.drop(project)
            sizes.pop(project, None)
        else:
            room.put(project, size)
            sizes[project] = size
        taken = sum(sizes.values())

        assert room.taken == taken
        assert room.full == (len(sizes) > projects or (len(sizes) > 1 and taken > 100))


@KINDS
def test_the_least_recently_used_goes_when_bytes_run_out(store, kind):
    """
    States take no more bytes together than they may, however many projects are asked about; what
    was asked about last stays, even if it alone is too large.
    """
    for project in "abcd":
        record(store, 2, project=project)

    async def story():
        one = make(store, kind=kind)
        await ask(one, "a")
        states = make(store, kind=kind, max_bytes=int(2.5 * one.room.taken))
        for project in "abcd":
            await ask(states, project)
            assert states.room.taken <= states.room.nbytes
        small = make(store, kind=kind, max_bytes=1)
        for project in "ab":
            await ask(small, project)
        return len(states), len(small)

    assert asyncio.run(story()) == (2, 1)


@KINDS
def test_a_state_that_leaves_is_saved_if_it_has_news(store, kind):
    """
    A project that comes back is thawed from where it left; no event is folded twice.
    """
    record(store, 10, project="a")
    record(store, 1, project="b")
    history = Counted(store)

    async def story():
        states = make(history, kind=kind, capacity=1, snapshot_every=100)
        before = await ask(states, "a")
        await ask(states, "b")
        await states.close()
        history.events = 0
        return before, await ask(states, "a")

    before, after = asyncio.run(story())

    assert before == after
    assert history.events == 0


def test_a_state_that_leaves_with_little_news_is_not_saved(store):
    """
    Projects that come and go write nothing to the database unless it is worth it.
    """
    record(store, 2, project="a")
    record(store, 1, project="b")

    async def story():
        states = make(store, capacity=1, snapshot_every=100)
        for project in "ab":
            await ask(states, project)
        await states.close()

    asyncio.run(story())

    assert store.load_snapshot("a", BuildState.STATE) is None


@KINDS
def test_large_reports_are_frozen_after_few_events(store, kind, monkeypatch):
    """
    What takes long to fold is frozen early, so that a cold project never has much to catch up.
    """
    monkeypatch.setattr(rooms, "SNAPSHOT_VERDICTS", 60)
    record(store, 5)
    history = Counted(store)

    async def story():
        states = make(history, kind=kind)
        warm = await ask(states)
        await states.close()
        history.events = 0
        return warm, await ask(make(history, kind=kind))

    warm, cold = asyncio.run(story())

    assert warm == cold
    assert history.events == 0


@KINDS
def test_a_cold_project_reads_only_what_came_after_its_snapshot(store, kind):
    """
    However long a history is, a replica that never saw the project reads its snapshot and the few
    events after it.
    """
    record(store, 20)

    async def story():
        states = make(store, kind=kind, snapshot_every=60)
        await ask(states)
        await states.close()
        record(store, 1, first=20)
        history = Counted(store)
        as_of, _ = await ask(make(history, kind=kind))
        return as_of, history.events

    assert asyncio.run(story()) == (63, 3)


@KINDS
def test_the_watchers_states_are_bounded_by_bytes(store, kind):
    """
    The watcher keeps the states of the projects where something happened last, as many as fit.
    """
    for project in "abc":
        record(store, 2, project=project)
    history = Counted(store)
    history.read = store.read
    history.load_snapshot = lambda project, *_, **__: history.thawed.append(project)
    states = WatchedStates(history, kind)
    size = states.at("a", 6).nbytes()
    states = WatchedStates(history, kind, max_bytes=int(2.5 * size))
    for project in "abc":
        states.keep(project, states.at(project, 6), 6)
    history.thawed.clear()
    for project in "bca":
        assert states.at(project, 6).as_of == 6

    assert history.thawed == ["a"]


def test_a_starting_replica_warms_the_liveliest_projects(store):
    """
    Before anybody asks, the projects with the newest builds are loaded, and the first question
    about one of them reads nothing.
    """
    for days, project in enumerate(("old", "newer", "newest")):
        record(store, 1, first=24 * days, project=project)
    history = Counted(store)

    async def story():
        states = make(history)
        warmer = Warmer(states=states, newest=store.newest_projects, clock=Clock(), projects=2)
        await warmer.warm_soon()
        await warmer.warm_soon()
        asked = list(history.thawed)
        history.events = 0
        await ask(states, "newest")
        return asked, history.events

    assert asyncio.run(story()) == (["newest", "newer"], 0)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"within_s": 5.0}, 2),
        ({"projects": 3}, 3),
        ({"capacity": 8}, 4),
        ({"max_bytes": 1}, 1),
        ({}, 6),
    ],
)
def test_warming_is_bounded(store, limits, expected):
    """
    Warming stops at its number of projects, its seconds, half of the places and half of the bytes.
    """
    for n in range(6):
        record(store, 1, project=f"p{n}")
    clock = Clock()
    history = Counted(store, clock, takes_s=3.0)
    room = {name: limits[name] for name in ("capacity", "max_bytes") if name in limits}
    more = {name: limits[name] for name in ("within_s", "projects") if name in limits}

    async def story():
        states = make(history, clock=clock, **{"capacity": 100, **room})
        more.setdefault("within_s", 100.0)
        await Warmer(states=states, newest=store.newest_projects, clock=clock, **more).warm_soon()
        return len(history.thawed)

    assert asyncio.run(story()) == expected


def test_a_history_that_is_away_does_not_stop_a_replica(store):
    """
    Where nothing can be read nothing is warmed, and nothing fails.
    """

    def newest(_limit):
        raise HistoryUnavailable("told to be away")

    async def story():
        states = make(store)
        await Warmer(states=states, newest=newest, clock=Clock()).warm_soon()
        return len(states)

    assert asyncio.run(story()) == 0


class Slot:
    """A slot whose model comes when it is told to."""

    loaded = None

    def want(self, _config):
        pass

    async def settle(self, _timeout_s):
        pass

    def follow_soon(self):
        pass

    def show(self):
        pass


class Started:
    times = 0

    def warm_soon(self):
        self.times += 1


def test_warming_waits_for_the_model_and_nobody_for_warming():
    """
    A replica says that it is up without waiting for states, which are loaded once a model is.
    """
    slot, warmer = Slot(), Started()
    bench = Bench(
        slot=slot,
        states=None,
        resolver=None,
        usual_pipeline=None,
        metrics=None,
        now=None,
        warmer=warmer,
    )
    asyncio.run(bench.reconfigure({}))
    assert warmer.times == 0

    slot.loaded = object()
    asyncio.run(bench.check_health())
    assert warmer.times == 1
