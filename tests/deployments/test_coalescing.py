"""Questions that travel together: each gets its own answer, whatever happens to the others."""

import asyncio
from dataclasses import dataclass, field

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from deployments.app import FOR_EACH
from deployments.batches import Broke, Sent, answer_each, sent
from deployments.coalescing import EACH, Coalescer, Limits
from devmind.errors import NotFound, Overloaded, ServiceUnreachable


class LostError(Exception):
    """A call that failed as a whole."""


@dataclass
class Model:
    """Answers n with 2n; negative questions fail alone, a call with `poison` in it as a whole."""

    turns: list = field(default_factory=list)
    poison: int | None = None
    calls: list = field(default_factory=list)
    now: int = 0
    most: int = 0

    async def __call__(self, questions):
        self.calls.append(list(questions))
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            for _ in range(self.turns[len(self.calls) % len(self.turns)] if self.turns else 1):
                await asyncio.sleep(0)
            if self.poison in questions:
                raise LostError
            return [NotFound("n", str(n)) if n < 0 else 2 * n for n in questions]
        finally:
            self.now -= 1


questions = st.lists(st.integers(-5, 1000), min_size=1, max_size=60, unique=True)
turns = st.lists(st.integers(0, 6), min_size=1, max_size=5)
counts = st.integers(1, 4)


async def ask_all(coalescer, asked, pauses=()):
    async def one(n, pause):
        for _ in range(pause):
            await asyncio.sleep(0)
        return await coalescer.ask(n)

    waits = [pauses[at % len(pauses)] if pauses else 0 for at in range(len(asked))]
    tasks = [asyncio.create_task(one(n, wait)) for n, wait in zip(asked, waits, strict=True)]
    return await asyncio.gather(*tasks, return_exceptions=True)


@given(asked=questions, pauses=turns, slow=turns, replicas=counts, batch=st.integers(1, 9))
def test_every_question_gets_its_own_answer(asked, pauses, slow, replicas, batch):
    """
    Whatever comes when and however long calls take, each caller hears of its own question, errors
    stay with theirs, calls are within their limits, and every question is asked once.
    """
    model = Model(turns=slow)
    limits = Limits(batch=batch, waiting=100)
    coalescer = Coalescer(model, replicas=lambda: replicas, limits=limits)
    answers = asyncio.run(ask_all(coalescer, asked, pauses))

    for n, answer in zip(asked, answers, strict=True):
        assert isinstance(answer, NotFound) if n < 0 else answer == 2 * n
    assert model.most <= EACH * replicas
    assert max(map(len, model.calls)) <= batch
    assert sorted(n for call in model.calls for n in call) == sorted(asked)
    assert coalescer.under_way == 0


@given(asked=questions, slow=turns, replicas=counts, batch=st.integers(1, 9))
def test_who_comes_first_is_asked_first(asked, slow, replicas, batch):
    """
    Questions leave in the order in which they came.
    """
    model = Model(turns=slow)
    limits = Limits(batch=batch, waiting=100)
    asyncio.run(ask_all(Coalescer(model, replicas=lambda: replicas, limits=limits), asked))

    assert [n for call in model.calls for n in call] == asked


@given(asked=questions, gone=st.sets(st.integers(0, 59)), after=st.integers(0, 8), slow=turns)
def test_a_caller_that_goes_costs_the_others_nothing(asked, gone, after, slow):
    """
    Whenever callers are cancelled, all others get their answers and nothing is left behind.
    """

    async def story():
        model = Model(turns=slow)
        coalescer = Coalescer(model, limits=Limits(batch=7, waiting=100))
        tasks = [asyncio.create_task(coalescer.ask(n)) for n in asked]
        for _ in range(after):
            await asyncio.sleep(0)
        for at in gone & set(range(len(asked))):
            tasks[at].cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(20):
            await asyncio.sleep(0)
        return coalescer.under_way, model.now, answers

    under_way, running, answers = asyncio.run(story())

    assert (under_way, running) == (0, 0)
    for at, (n, answer) in enumerate(zip(asked, answers, strict=True)):
        if at not in gone:
            assert isinstance(answer, NotFound) if n < 0 else answer == 2 * n
        else:
            assert isinstance(answer, (asyncio.CancelledError, NotFound)) or answer == 2 * n


def test_a_lone_question_waits_for_nobody():
    """
    The first question is on its way after one turn of the loop.
    """

    async def story():
        model = Model()
        asking = asyncio.create_task(Coalescer(model).ask(1))
        for _ in range(3):
            await asyncio.sleep(0)
        called = list(model.calls)
        await asking
        return called

    assert asyncio.run(story()) == [[1]]


def test_replicas_share_what_waits():
    """
    Eight questions of one turn become two calls for two replicas, and four for four.
    """
    for replicas in (1, 2, 4):
        model = Model()
        asyncio.run(ask_all(Coalescer(model, replicas=lambda many=replicas: many), range(8)))
        assert [len(call) for call in model.calls] == [8 // replicas] * replicas


def test_too_many_are_refused_at_once_and_later_ones_are_not():
    """
    What exceeds the queue is refused with a time to come back; when it has drained, it takes more.
    """

    async def story():
        coalescer = Coalescer(Model(), limits=Limits(batch=2, waiting=3))
        first = await ask_all(coalescer, range(5))
        return first, await ask_all(coalescer, range(3))

    first, second = asyncio.run(story())

    assert first[:3] == second == [0, 2, 4]
    assert [error.retry_after_s for error in first[3:]] == [1, 1]
    assert all(isinstance(error, Overloaded) for error in first[3:])


def test_a_call_that_fails_fails_its_questions_alone():
    """
    The questions of a lost call hear of it; those of other calls are answered.
    """
    coalescer = Coalescer(Model(poison=1), limits=Limits(batch=2))
    answers = asyncio.run(ask_all(coalescer, range(6)))

    assert [type(answer) for answer in answers[:2]] == [LostError, LostError]
    assert answers[2:] == [4, 6, 8, 10]


def test_a_question_that_was_taken_back_is_not_asked():
    """
    A caller that goes while its question waits costs no call.
    """

    async def story():
        model = Model(turns=[5])
        coalescer = Coalescer(model, limits=Limits(batch=1))
        tasks = [asyncio.create_task(coalescer.ask(n)) for n in range(4)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        tasks[3].cancel()
        return model.calls, await asyncio.gather(*tasks, return_exceptions=True)

    calls, answers = asyncio.run(story())

    assert answers[:3] == [0, 2, 4]
    assert [3] not in calls


def test_a_replica_that_hangs_keeps_no_place():
    """
    When all callers of calls that never end have gone, the calls are given up and others are asked.
    """

    async def story():
        hung = []

        async def send(questions):
            if len(hung) < EACH:
                hung.append(questions)
                await asyncio.Event().wait()
            return list(questions)

        coalescer = Coalescer(send, limits=Limits(batch=1))
        waiting = [asyncio.create_task(coalescer.ask(n)) for n in range(EACH)]
        later = asyncio.create_task(coalescer.ask(7))
        for _ in range(5):
            await asyncio.sleep(0)
        for each in waiting:
            each.cancel()
        return await asyncio.wait_for(later, 5)

    assert asyncio.run(story()) == 7


def test_a_call_that_is_cancelled_below_is_an_error_above():
    """
    A cancellation that no caller asked for reaches callers as an error that they can answer.
    """

    async def send(_questions):
        raise asyncio.CancelledError

    with pytest.raises(ServiceUnreachable):
        asyncio.run(Coalescer(send).ask(1))


def test_a_call_belongs_to_no_caller():
    """
    Calls do not run in a caller's context, which would end with that caller.
    """
    found = []

    async def send(questions):
        found.append(structlog.contextvars.get_contextvars())
        return list(questions)

    with structlog.contextvars.bound_contextvars(request_id="mine"):
        asyncio.run(Coalescer(send).ask(1))

    assert found == [{}]


def test_every_question_brings_its_request():
    """
    A question is answered under the id of its own request, and one that fails fails by itself:
    our errors as they are, others by their class alone.
    """

    async def answer(question):
        if question == "unknown":
            raise NotFound("build", "x")
        if question == "bug":
            raise KeyError("/a/path")
        return question, structlog.contextvars.get_contextvars()["request_id"]

    with structlog.contextvars.bound_contextvars(request_id="mine"):
        mine = sent("one")
    others = [Sent(question=q, request_id=f"of-{q}") for q in ("two", "unknown", "bug")]
    one, two, unknown, bug = asyncio.run(answer_each(answer, [mine, *others]))

    assert (one, two) == (("one", "mine"), ("two", "of-two"))
    assert isinstance(unknown, NotFound)
    assert isinstance(bug, Broke)
    assert str(bug) == "KeyError"


@given(asked=questions)
def test_with_a_replica_for_each_questions_travel_alone(asked):
    """
    Where they are not to share calls, each question is a call by itself and none waits.
    """
    model = Model()
    coalescer = Coalescer(model, replicas=lambda: FOR_EACH)

    asyncio.run(ask_all(coalescer, asked))

    assert sorted(model.calls) == sorted([n] for n in asked)
    assert model.most == len(asked)
