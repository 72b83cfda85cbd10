"""Answers that are given again, work done at once, and lines that are left out."""

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog

from deployments.bench import Bench
from deployments.case import Case
from deployments.kept_answers import KeptAnswers
from deployments.live_state import LiveStates
from deployments.log_quota import LogQuota
from deployments.metrics import Metrics
from deployments.model_slot import ModelSlot
from deployments.pace import SHORT_S, Pace
from deployments.questions import About, DurationQuestion
from deployments.resolve import Resolver
from features.build_state import BuildState
from tests.deployments.company import PIPELINE, PROJECT, START, queued, record
from tests.deployments.fakes import Clock, Instruments, duration_answer

MODEL = "build-optimizer"


class Versions:
    def __init__(self):
        self.version = "7"

    async def champion(self, _model):
        return self.version

    async def bundle(self, _model, _version):
        return b""


class Desk:
    """A bench whose work says in which thread it was done, and how often."""

    def __init__(self, store):
        self.clock, self.cpu, self.versions = Clock(), Clock(), Versions()
        self.instruments, self.threads, self.work_s = Instruments(), [], 0.0
        self.now = START + timedelta(hours=9)
        metrics = Metrics(self.instruments)
        self.slot = ModelSlot(
            name=MODEL,
            versions=self.versions,
            load=lambda _body, _name: object(),
            metrics=metrics,
            clock=self.clock,
        )
        self.bench = Bench(
            slot=self.slot,
            states=LiveStates(
                history=store, kind=BuildState, max_age_s=1.0, capacity=10, clock=self.clock
            ),
            resolver=Resolver(store, max_age_s=30, clock=self.clock),
            usual_pipeline=lambda _state, _pipelines, _now: PIPELINE,
            metrics=metrics,
            now=lambda: self.now,
            clock=self.clock,
            pace=Pace(self.cpu),
        )

    def work(self, case: Case):
        self.threads.append(threading.current_thread())
        self.cpu.seconds += self.work_s
        return duration_answer(as_of=case.state.as_of)

    async def ask(self, *, kind="duration", **about):
        question = DurationQuestion(about=About(project=PROJECT, pipeline=PIPELINE, **about))
        return await self.bench.answer(question, self.work, kind=kind)


@pytest.fixture(name="desk")
def _desk(store):
    record(store, 4)
    desk = Desk(store)
    asyncio.run(desk.slot.follow())
    return desk


def run(*questions):
    async def all_of_them():
        return [await question() for question in questions]

    return asyncio.run(all_of_them())


def test_the_same_question_is_worked_out_once(desk):
    """
    Between two events whoever asks again gets the same answer, and it is counted all the same.
    """
    ask = lambda: desk.ask(branch="fix/1")  # noqa: E731 - shorter
    first, second, other = run(ask, ask, lambda: desk.ask(branch="fix/2"))

    assert first is second
    assert other is not first
    assert len(desk.threads) == 2
    counted = desk.instruments.get("devmind_predictions_total", model=MODEL, abstained="false")
    assert counted == 3


def test_an_answer_is_not_given_again_after_an_event(desk, store):
    """
    A newer event, another version, another second: each makes an answer of its own.
    """
    ask = lambda: desk.ask(branch="fix/1")  # noqa: E731 - shorter

    async def later():
        desk.now += timedelta(seconds=1)
        return await ask()

    async def swapped():
        desk.versions.version = "8"
        await desk.slot.follow()
        return await ask()

    async def after_an_event():
        record(store, 1, first=4)
        desk.clock.seconds += 2
        return await ask()

    answers = run(ask, later, swapped, after_an_event)

    assert len(desk.threads) == 4
    assert answers[-1].as_of > answers[0].as_of


def test_a_question_about_now_is_worked_out_every_time(desk):
    """
    What counts the seconds is never given again.
    """
    run(lambda: desk.ask(kind=""), lambda: desk.ask(kind=""))

    assert len(desk.threads) == 2


def test_short_work_is_done_at_once_and_long_work_in_a_thread(desk):
    """
    Work that has shown to be short stays on the loop; long work never does.
    """

    async def slow():
        desk.work_s = 2 * SHORT_S
        return await desk.ask(branch="slow")

    async def stale():
        desk.clock.seconds += 2
        return await desk.ask(branch="stale")

    run(
        lambda: desk.ask(branch="first"),
        lambda: desk.ask(branch="second"),
        stale,
        slow,
        lambda: desk.ask(branch="after slow"),
    )
    at_once = [thread is threading.main_thread() for thread in desk.threads]

    assert at_once == [False, True, True, True, False]


def test_questions_that_wait_for_newer_events_need_no_threads(desk):
    """
    However many come while newer events are read, only the reading is done in a thread, and those
    that come afterwards are not held up by those that waited.
    """
    folds, fold = [], desk.bench.states._fold

    def folding(*args):
        folds.append(threading.current_thread())
        return fold(*args)

    desk.bench.states._fold = folding

    async def many():
        await desk.ask(branch="first")
        desk.clock.seconds += 2
        await asyncio.gather(*(desk.ask(branch=f"b{n}") for n in range(20)))

    asyncio.run(many())

    assert {thread is threading.main_thread() for thread in desk.threads[1:]} == {True}
    assert len(desk.threads) == 21
    assert [thread is threading.main_thread() for thread in folds] == [False, False]


@pytest.mark.parametrize("asked_before", [False, True], ids=["in a thread", "on the loop"])
def test_a_log_line_of_a_question_that_broke_names_model_and_project(desk, asked_before):
    """
    Wherever the work is done, whoever reads the log learns which model broke on which project.
    """
    if asked_before:
        run(lambda: desk.ask(branch="first"))
        assert desk.bench.pace.short(("duration", PROJECT))

    async def breaks():
        desk.work = lambda _case: 1 / 0
        with pytest.raises(ZeroDivisionError):
            await desk.ask(branch="broken")
        return structlog.contextvars.get_contextvars()

    (known,) = run(breaks)

    assert known["model"] == MODEL
    assert known["project"] == PROJECT


def test_a_state_that_is_lent_is_not_at_hand(desk):
    """
    While a thread reads a state, nobody else does; when it is given back it is at hand, whoever
    waits for it.
    """

    async def meanwhile():
        await desk.ask()
        async with desk.bench.states.at(PROJECT):
            waiting = asyncio.create_task(desk.ask(branch="waits"))
            await asyncio.sleep(0)
            lent = desk.bench.states.at_hand(PROJECT)
        free = desk.bench.states.at_hand(PROJECT), waiting.done()
        await waiting
        return lent, *free

    lent, free, waited = asyncio.run(meanwhile())

    assert lent is None
    assert free.state.as_of == 12
    assert not waited


def test_a_recorded_build_is_read_once(desk, store):
    """
    How a build was queued never changes, so that its second question asks no database.
    """

    class Counting:
        def __init__(self):
            self.asked = 0

        def build(self, build_id):
            self.asked += 1
            return store.build(build_id)

    catalogue = Counting()
    resolver = Resolver(catalogue, max_age_s=30, clock=Clock())
    about = About(build_id=queued(1).build_id)
    first, second = run(lambda: resolver.name(about), lambda: resolver.name(about))

    assert first == second
    assert catalogue.asked == 1
    assert first.recorded == replace(queued(1))


def test_kept_answers_are_bounded():
    """
    The oldest go first.
    """
    kept = KeptAnswers(3)
    for number in range(10):
        kept.put(number, str(number))

    assert len(kept) == 3
    assert kept.get(9) == "9"
    assert kept.get(6) is None


def test_lines_of_answers_are_left_out_when_there_are_many(desk, monkeypatch):
    """
    So many lines a second are written; the first of the next second says how many were not.
    """
    clock = Clock()
    quota = LogQuota(2, clock=clock)
    said = [quota.left_out() for _ in range(5)]
    clock.seconds += 1

    assert said == [0, 0, None, None, None]
    assert quota.left_out() == 3
    monkeypatch.setattr("deployments.bench.MODELS", LogQuota(20, clock=clock))
    with structlog.testing.capture_logs() as lines:
        run(*[desk.ask] * 100)
    assert len(lines) == 20
