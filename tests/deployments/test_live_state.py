"""States of projects: equal to the history, bounded, and never in the way."""

import asyncio
import threading

import pytest

from deployments.live_state import LiveStates
from devmind.errors import HistoryUnavailable
from features.build_state import BuildState
from features.verdict_state import TestState
from history.events import Snapshot
from tests.deployments.company import PROJECT, queued, record
from tests.deployments.fakes import Clock


class Watched:
    """A store that counts what is asked of it, and fails when told to."""

    def __init__(self, store):
        self.store = store
        self.tails = []
        self.away = False
        self.threads = set()

    def tail(self, project, *, after=0, limit=1000):
        self.threads.add(threading.get_ident())
        if self.away:
            raise HistoryUnavailable("told to be away")
        self.tails.append((project, after))
        return self.store.tail(project, after=after, limit=limit)

    def load_snapshot(self, project, state):
        return self.store.load_snapshot(project, state)

    def save_snapshot(self, snapshot):
        self.store.save_snapshot(snapshot)


@pytest.fixture(name="history")
def _history(store):
    return Watched(store)


@pytest.fixture(name="clock")
def _clock():
    return Clock()


def make(history, clock, *, kind=BuildState, **more):
    options = {"max_age_s": 1.0, "capacity": 10, **more}
    return LiveStates(history=history, kind=kind, clock=clock, **options)


async def frozen(states, project=PROJECT):
    async with states.at(project) as live:
        return live.state.freeze()


@pytest.mark.parametrize("kind", [BuildState, TestState])
def test_a_live_state_equals_a_replay(store, history, clock, kind):
    """
    Folded in any number of steps, through snapshots or not, a state is the replay of the history.
    """

    async def story():
        first = make(history, clock, kind=kind, snapshot_every=20)
        for part in range(3):
            record(store, 10, first=10 * part)
            clock.seconds += 2
            live = await frozen(first)
        await first.close()
        return live, await frozen(make(history, clock, kind=kind))

    live, from_snapshot = asyncio.run(story())
    replayed = kind()
    for event in store.read(PROJECT):
        replayed.update(event)

    assert replayed.freeze() == live == from_snapshot


def test_the_history_is_asked_at_most_once_in_a_while(store, history, clock):
    """
    Within the allowed age nothing is read; after it only what is newer.
    """
    record(store, 2)

    async def story():
        states = make(history, clock)
        for pause in (0, 0.5, 0.6):
            clock.seconds += pause
            await frozen(states)

    asyncio.run(story())

    assert history.tails == [(PROJECT, 0), (PROJECT, 6)]


def test_many_questions_at_once_fold_once(store, history, clock):
    """
    Questions that arrive together wait for one reading of the history.
    """
    record(store, 2)

    async def story():
        states = make(history, clock)
        return await asyncio.gather(*(frozen(states) for _ in range(20)))

    answers = asyncio.run(story())

    assert 1 == len(set(answers)) == len(history.tails)


def test_the_loop_never_reads_the_database(store, history, clock):
    """
    Reading and folding happen in other threads than the loop's.
    """
    record(store, 1)
    asyncio.run(frozen(make(history, clock)))

    assert threading.get_ident() not in history.threads


def test_the_least_recently_used_project_goes_first(store, history, clock):
    """
    Over the capacity the project that was asked about longest ago is forgotten, and can come back.
    """
    for project in "abc":
        record(store, 1, project=project)

    async def story():
        states = make(history, clock, capacity=2)
        for project in "abacb":
            await frozen(states, project)
        return len(states)

    assert asyncio.run(story()) == 2
    assert history.tails == [("a", 0), ("b", 0), ("c", 0), ("b", 0)]


def test_unknown_projects_take_no_place(history, clock):
    """
    Asking about projects that do not exist fills no memory.
    """

    async def story():
        states = make(history, clock)
        for n in range(50):
            async with states.at(f"nobody {n}") as live:
                assert live.state.as_of == 0
        return len(states)

    assert asyncio.run(story()) == 0


def test_a_snapshot_is_kept_after_many_events(store, history, clock):
    """
    Once enough events are folded the state is kept, so that the next replica starts from there.
    """
    record(store, 7)

    async def story():
        states = make(history, clock, snapshot_every=20)
        await frozen(states)
        await states.close()
        await frozen(make(history, clock))

    asyncio.run(story())

    assert store.load_snapshot(PROJECT, BuildState.STATE).as_of == 21
    assert history.tails[-1] == (PROJECT, 21)


def test_a_spoilt_snapshot_costs_only_time(store, history, clock):
    """
    A snapshot that cannot be read is passed over; the events are the truth.
    """
    record(store, 3)
    spoilt = Snapshot(project=PROJECT, state=BuildState.STATE, as_of=9, body=b"spoilt")
    store.save_snapshot(spoilt)

    async def story():
        async with make(history, clock).at(PROJECT) as live:
            return live.state.as_of, live.state.facts(queued(4)).project.builds

    assert asyncio.run(story()) == (9, 3)


def test_while_the_history_is_away_a_known_project_is_answered(store, history, clock):
    """
    A state that is loaded goes on answering, marked stale; an unknown project is an error.
    """
    record(store, 1)

    async def story():
        states = make(history, clock)
        await frozen(states)
        history.away = True
        clock.seconds += 5
        async with states.at(PROJECT) as live:
            stale = (live.stale, live.age_s, live.state.as_of)
        with pytest.raises(HistoryUnavailable):
            await frozen(states, "another")
        return stale, len(states)

    assert asyncio.run(story()) == ((True, 5.0, 3), 1)


def test_a_cancelled_question_does_not_spoil_the_state(store, history, clock):
    """
    A caller that goes away while the history is folded leaves the state whole.
    """
    record(store, 30)

    async def story():
        states = make(history, clock)
        hasty = asyncio.create_task(frozen(states))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        hasty.cancel()
        patient = asyncio.create_task(frozen(states))
        await asyncio.wait([hasty, patient])
        return patient.result()

    replayed = BuildState()
    for event in store.read(PROJECT):
        replayed.update(event)

    assert replayed.freeze() == asyncio.run(story())
