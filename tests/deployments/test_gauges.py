"""Ray forgets a gauge 20 s after it was set, so every gauge is set again and again."""

import asyncio

import pytest

from deployments.coalescing import Limits
from deployments.held_gauges import HELD_S, HeldGauges
from deployments.history_service import Desk, HistoryService
from deployments.job_metrics import JobMetrics
from deployments.metrics import FIGURES, Metrics
from deployments.question_metrics import QuestionMetrics
from deployments.remote import SELECTIONS, Remote, RemotePredictions
from history.jobs import TrainingJob
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, MODELS, TEST_INTELLIGENCE, in_paths
from tests.deployments.company import START
from tests.deployments.fakes import Clock, Instruments
from tests.deployments.services import KINDS, service_of

LOADED, EXACT = "devmind_model_loaded", "devmind_exact_predictor"
QUESTIONS = "devmind_questions_under_way"


@pytest.mark.parametrize("model", KINDS)
def test_each_health_check_says_what_is_served(store, packed, model):
    """
    A replica that swaps nothing says its version, and whether packed trees answer, all the same.
    """
    instruments = Instruments()
    service = service_of(model, store, packed[model], now=START, metrics=Metrics(instruments))
    for _ in range(2):
        instruments.values.clear()
        asyncio.run(service.check_health())

        assert instruments.get(LOADED, model=model, version="7") == 1
        told = (EXACT, (("model", model),)) in instruments.values
        assert told == (model != FAILURE_PREDICTOR)


def test_a_replica_without_a_version_says_none(store):
    """
    Before a champion is loaded, no version is said to be.
    """
    instruments = Instruments()
    service = service_of(BUILD_OPTIMIZER, store, None, now=START, metrics=Metrics(instruments))
    asyncio.run(service.check_health())

    assert instruments.values == {}


class Jobs:
    """One job of each model, which has succeeded."""

    def claim_ended(self):
        return []

    def list(self, model, _limit, **_state):
        return [
            TrainingJob(
                job_id="1", model=model, state="succeeded", created_at=START, updated_at=START
            )
        ]


def test_each_health_check_of_the_history_says_figures_and_jobs():
    """
    What is found out now and then, figures, shadows and jobs, is said by every health check for a
    minute, and then no more: another replica may know better.
    """
    instruments, clock = Instruments(), Clock()
    gauges = HeldGauges(instruments, clock=clock)
    metrics = Metrics(gauges)
    metrics.figures(BUILD_OPTIMIZER, "shop", dict.fromkeys(FIGURES, 0.5))
    metrics.compared(BUILD_OPTIMIZER, "4", 3)
    JobMetrics(gauges).observe(Jobs())
    found = dict(instruments.values)
    service = HistoryService(Desk(overview=None, recorder=None, lifecycle=None, gauges=gauges))

    for passed in (HELD_S / 2, HELD_S / 2):
        clock.seconds += passed
        instruments.values.clear()
        asyncio.run(service.check_health())
        assert instruments.values == found
    clock.seconds += 1
    instruments.values.clear()
    asyncio.run(service.check_health())

    assert len(found) == len(FIGURES) + 1 + 2 * len(MODELS)
    assert instruments.values == {}


def test_counters_and_histograms_are_left_alone():
    """
    What only grows is counted once.
    """
    instruments = Instruments()
    gauges = HeldGauges(instruments)
    gauges.Counter("c", "", ()).inc(2)
    gauges.Histogram("h", "", [1.0], ()).observe(3)
    gauges.again()

    assert (instruments.get("c"), instruments.get("h")) == (2, 3)


class Hung:
    """A deployment that takes every call and answers none."""

    def __init__(self, name):
        self.name = in_paths(name)

    async def ask(self, _method, *_values):
        await asyncio.Event().wait()

    coalesced = Remote.coalesced
    _replicas = staticmethod(lambda: 1)


@pytest.mark.parametrize(
    ("model", "method", "limits"),
    [
        (BUILD_OPTIMIZER, "duration", Limits()),
        (FAILURE_PREDICTOR, "failure", Limits()),
        (TEST_INTELLIGENCE, "tests", SELECTIONS),
    ],
)
def test_an_ingress_says_how_many_questions_wait(model, method, limits):
    """
    Before a model that hangs, what waits and what was sent is told apart, up to what is refused.
    """
    instruments = Instruments()
    metrics = QuestionMetrics(instruments)

    async def story():
        remotes = [Hung(name) for name in (BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE)]
        asking = RemotePredictions(
            **dict(zip(("duration", "failure", "tests"), remotes, strict=True))
        )
        ask, tasks = getattr(asking, method), []
        for _ in range(limits.waiting + 3):
            tasks.append(asyncio.create_task(ask(object())))
            await asyncio.sleep(0)
        metrics.show(asking)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(story())

    waiting = instruments.get(QUESTIONS, model=model, state="waiting")
    sent = instruments.get(QUESTIONS, model=model, state="asked")
    assert limits.waiting - 3 <= waiting <= limits.waiting
    assert sent > 0
    others = [other for other in MODELS if other != model]
    assert all(instruments.get(QUESTIONS, model=m, state="waiting") == 0 for m in others)
