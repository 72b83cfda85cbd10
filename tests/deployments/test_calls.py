"""Calls to other deployments: retried when it is safe, and our errors unwrapped."""

import asyncio

import pytest

from deployments.answers import Readiness
from deployments.calls import Caller, Failures
from deployments.questions import About, Assessment, DurationQuestion, FailureQuestion
from deployments.questions import SelectionQuestion as Selection
from deployments.remote import Remote, RemotePredictions
from devmind.errors import (
    InvalidInput,
    ModelUnavailable,
    NotFound,
    Overloaded,
    ServiceUnreachable,
)
from models.selection import Budget
from tests.deployments.fakes import duration_answer, failure_answer, selection_answer


class WrappedError(Exception):
    def __init__(self, cause):
        super().__init__("coloured traceback with pid=7 and /paths")
        self.cause = cause


class LostError(Exception):
    pass


class FullError(Exception):
    pass


class AbsentError(Exception):
    pass


FAILURES = Failures(
    wrapped=(WrappedError,), lost=(LostError,), refused=(FullError,), absent=(AbsentError,)
)


class Handle:
    """A handle whose methods do what they are told, in turn."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.calls = []
        self.waiting = None

    def __getattr__(self, method):
        handle = self

        class Method:
            def remote(self, *values, **named):
                handle.calls.append((method, values, named))
                return handle._answer()

        return Method()

    async def _answer(self):
        outcome = self.outcomes.pop(0)
        if self.waiting is not None:
            await self.waiting()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def remote(handle):
    return Remote(handle, Caller("model", FAILURES))


def test_our_error_comes_back_as_itself():
    """
    The wrapper with its traceback stays behind.
    """
    with pytest.raises(NotFound, match="No build 'x'"):
        asyncio.run(remote(Handle(WrappedError(NotFound("build", "x")))).ask("predict"))


@pytest.mark.parametrize("lost", [LostError(), WrappedError(LostError())], ids=["plain", "wrapped"])
def test_a_lost_replica_costs_one_retry(lost):
    """
    A call that may be repeated is sent once more, and its answer given.
    """
    handle = Handle(lost, "answer")

    assert asyncio.run(remote(handle).ask("predict", 1)) == "answer"
    assert handle.calls == [("predict", (1,), {})] * 2


def test_a_call_that_may_not_be_repeated_is_not():
    """
    Starting a job twice is not starting it once.
    """
    handle = Handle(LostError(), "answer")

    with pytest.raises(ServiceUnreachable):
        asyncio.run(remote(handle).tell("retrain"))
    assert len(handle.calls) == 1


TROUBLE = {
    "lost twice": ([LostError(), LostError()], ServiceUnreachable),
    "too many waiting": ([FullError()], Overloaded),
    "not deployed": ([AbsentError()], ServiceUnreachable),
    "a bug": ([WrappedError(KeyError("x"))], KeyError),
}


@pytest.mark.parametrize(("outcomes", "error"), TROUBLE.values(), ids=TROUBLE)
def test_trouble_has_its_own_error(outcomes, error):
    """
    What the layer below says becomes an error that a caller can decide on.
    """
    with pytest.raises(error):
        asyncio.run(remote(Handle(*outcomes)).ask("predict"))


def test_readiness_never_raises():
    """
    A part that is away is a part that is not ready.
    """
    away = asyncio.run(remote(Handle(AbsentError())).readiness())
    there = asyncio.run(remote(Handle(Readiness(ready=True, version="3"))).readiness())

    assert not away.ready
    assert "not deployed" in away.reason
    assert there.version == "3"


ABOUT = About(project="shop")
ASSESSMENT = Assessment(
    duration=DurationQuestion(about=ABOUT),
    failure=FailureQuestion(about=ABOUT),
    tests=Selection(about=ABOUT, target=Budget(seconds=1.0)),
)


def assess(duration, failure, tests):
    outcomes = (duration, failure, tests)
    handles = [Handle(o if isinstance(o, Exception) else [o]) for o in outcomes]
    names = ("duration", "failure", "tests")
    models = {name: remote(handle) for name, handle in zip(names, handles, strict=True)}
    return handles, RemotePredictions(**models).assess(ASSESSMENT)


def test_all_three_are_asked_before_any_is_awaited():
    """
    Each model waits until all have been asked, so one after the other would never end.
    """

    async def story():
        handles, assessing = assess(duration_answer(), failure_answer(), selection_answer())
        asked = asyncio.Event()

        async def wait():
            if all(handle.calls for handle in handles):
                asked.set()
            await asked.wait()

        for handle in handles:
            handle.waiting = wait
        return await asyncio.wait_for(assessing, 10)

    answer = asyncio.run(story())

    assert answer.duration.p50_s == 20
    assert answer.tests.total_tests == 2
    assert answer.errors == {}


def test_a_part_that_is_missing_is_named():
    """
    One model without a version does not take the other answers away.
    """
    error = WrappedError(ModelUnavailable("failure_predictor", "none promoted"))
    answer = asyncio.run(assess(duration_answer(), error, selection_answer())[1])

    assert answer.failure is None
    assert answer.duration is not None
    assert "none promoted" in answer.errors["failure"]


def test_no_selection_where_nobody_knows_tests():
    """
    Without known tests and without a change there is nothing to select.
    """
    from dataclasses import replace  # noqa: PLC0415 - one use

    nothing = replace(selection_answer(), total_tests=0)
    answer = asyncio.run(assess(duration_answer(), failure_answer(), nothing)[1])

    assert answer.tests is None
    assert answer.errors == {}


def test_a_batch_of_a_lost_replica_is_asked_once_more():
    """
    Predictions may be repeated: a lost replica costs its questions a second call, and no error.
    """
    handles = [Handle(LostError(), [duration_answer()])]
    handles += [Handle([failure_answer()]), Handle([selection_answer()])]
    models = dict(zip(("duration", "failure", "tests"), map(remote, handles), strict=True))
    answer = asyncio.run(RemotePredictions(**models).assess(ASSESSMENT))

    assert answer.errors == {}
    assert [name for name, *_ in handles[0].calls] == ["predict_many"] * 2


def test_what_the_caller_can_correct_is_an_error():
    """
    A question that one model refuses is refused, and so is one that nobody can answer.
    """
    wrong, away = InvalidInput("x", 1, "y"), ModelUnavailable("m", "none")
    with pytest.raises(InvalidInput):
        asyncio.run(assess(duration_answer(), WrappedError(wrong), selection_answer())[1])
    with pytest.raises(ModelUnavailable):
        asyncio.run(assess(*(WrappedError(away) for _ in range(3)))[1])
