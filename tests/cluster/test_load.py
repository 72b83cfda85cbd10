"""A real Ray under load: updated, scaled, flooded and robbed of replicas, with right answers."""

import asyncio
import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from itertools import count

import httpx
import pytest

from deployments.http import examples
from devmind.ci import Change
from devmind.client import Client, Question, TestQuestion
from history.open import open_history
from models.names import BUILD_OPTIMIZER
from models.registry import Registry
from tests.cluster.serving import config, deploy, kill, lines, pids, served, until
from tests.deployments.company import PROJECT, START, queued, recorded_and_registered, register

pytestmark = [pytest.mark.cluster, pytest.mark.thorough, pytest.mark.timeout(240)]

DURATION = "/api/v1/build-optimizer/predict"
SELECT = "/api/v1/test-intelligence/select"
REPLICAS = {
    "ingress": 2,
    "build-optimizer": 2,
    "failure-predictor": 1,
    "test-intelligence": 1,
    "history": 1,
}
SCALING = {
    "build-optimizer": {
        "target_ongoing_requests": 2,
        "upscale_delay_s": 1,
        "downscale_delay_s": 3,
        "look_back_period_s": 2,
        "metrics_interval_s": 1,
    }
}
NOW = START + timedelta(hours=40)
NUMBERS = count(1)
OTHER = "acme/told"
"""Builds are recorded in a project that nobody asks about, so that answers stay what they are."""


@pytest.fixture(name="place", scope="module")
def _place(tmp_path_factory):
    return recorded_and_registered(tmp_path_factory.mktemp("home"))


@pytest.fixture(name="url", scope="module")
def _url(place):
    with served(place.home, replicas=REPLICAS, scaling=SCALING) as url:
        yield url


class Load:
    """Clients that ask and record until they are told to stop; each is its own check."""

    def __init__(self, url):
        self._url, self._over = url, threading.Event()
        self.answers, self.acknowledged, self.wrong = [], set(), []

    def stop(self):
        self._over.set()

    def ask(self, who):
        """Ask all models about builds that nobody else asks about."""
        with Client(self._url, timeout_s=60) as client:
            for n in self._turns():
                change = Change(commit=f"{who}-{n}", branch=f"b/{who}")
                question = Question(
                    project=PROJECT, pipeline=f"p{who}.yml", queued_at=NOW, change=change
                )
                tests = (f"t{who}::{n}", "cart::test_1")
                asked = client.assess(TestQuestion(question=question, all_tests=tests))
                said = {*asked.tests.selected_tests, *asked.tests.skipped_tests}
                mine = (asked.duration.pipeline_id, asked.failure.pipeline_id, said)
                if mine != (f"p{who}.yml", f"p{who}.yml", set(tests)) or asked.errors:
                    self.wrong.append(asked)
                self.answers.append((asked.duration.model_version, asked.duration.p50_s))

    def tell(self):
        """Record builds, and remember those that were acknowledged."""
        with Client(self._url, timeout_s=60) as client:
            for n in self._turns():
                receipt = client.record_build(queued(n, project=OTHER))
                self.acknowledged.add(receipt.build_id)

    def _turns(self):
        while not self._over.is_set():
            yield next(NUMBERS)


@contextmanager
def load(url, place, *, asking=4, telling=1):
    """Clients at work; at the end nothing was wrong and nothing acknowledged is missing."""
    running = Load(url)
    with ThreadPoolExecutor(asking + telling) as pool:
        clients = [pool.submit(running.ask, who) for who in range(asking)]
        clients += [pool.submit(running.tell) for _ in range(telling)]
        try:
            until(lambda: len(running.answers) > 3 * asking, "under load")
            yield running
            before = len(running.answers)
            until(lambda: len(running.answers) > before + 3 * asking, "answering again")
        finally:
            running.stop()
        for client in clients:
            client.result()
    assert running.wrong == []
    with open_history(place.database) as store:
        assert all(store.build(build) is not None for build in running.acknowledged)


def said(answers):
    """Version -> what it says; each says one thing of the same history."""
    found = {version: {p50 for v, p50 in answers if v == version} for version, _ in answers}
    assert all(len(each) == 1 for each in found.values()), found
    return found


def shares():
    """Replica of the build optimizer -> how many questions it has answered."""
    return Counter(
        line["replica"]
        for line in lines()
        if line.get("event") == "question answered" and line.get("deployment") == "build-optimizer"
    )


def running(name):
    return len(pids(name))


def test_a_killed_model_and_a_killed_ingress_cost_no_answer(url, place):
    """
    With one replica of a model and then one ingress killed under load, clients that retry once get
    every answer, each its own, and what was acknowledged is recorded.
    """
    with load(url, place) as clients:
        for name in ("build-optimizer", "ingress"):
            killed = pids(name)[0]
            kill(killed)
            until(
                lambda name=name, killed=killed: killed not in pids(name)
                and running(name) >= REPLICAS[name],
                f"another {name}",
            )

    assert set(said(clients.answers)) == {"1"}


def test_a_model_is_swapped_between_two_answers(url, place):
    """
    With a promotion and a rollback under load each answer is wholly one version's.
    """
    registry = Registry(place.tracking_uri, place.artifacts)
    options = {"models": [BUILD_OPTIMIZER], "promote": False, "slower": 3.0}
    version = register(registry, place.home, **options)[BUILD_OPTIMIZER]

    def versions():
        return {one_answer(url)["model_version"] for _ in range(8)}

    with load(url, place) as clients:
        body = {"version": version, "force": True}
        path = f"{url}/models/build-optimizer"
        assert httpx.post(f"{path}/promote", json=body, timeout=30).is_success
        until(lambda: versions() == {version}, "swapped")
        assert httpx.post(f"{path}/rollback", timeout=30).is_success
        until(lambda: versions() == {"1"}, "swapped back")

    assert set(said(clients.answers)) == {"1", version}


def test_a_model_grows_with_the_queue_and_shrinks_after_it(url):
    """
    Questions that wait in the ingress, of which Serve sees few calls, bring replicas, which share
    them evenly; when the load is over they go.
    """
    assert running("build-optimizer") == 2
    over = threading.Event()

    def ask():
        with httpx.Client(base_url=url, timeout=60) as client:
            while not over.is_set():
                assert client.post(DURATION, json=examples.DURATION).status_code == 200

    with ThreadPoolExecutor(16) as pool:
        asking = [pool.submit(ask) for _ in range(16)]
        try:
            until(lambda: running("build-optimizer") == 4, "grown")
            until(lambda: len(shares()) >= 4, "all asked")
            before = shares()
            time.sleep(5)
            each_answered = [many - before[name] for name, many in shares().items()]
        finally:
            over.set()
        for each in asking:
            each.result()
    until(lambda: running("build-optimizer") == 2, "shrunk")

    busy = sorted(each_answered)[-4:]
    assert min(busy) > 0.5 * max(busy), busy


def test_too_much_is_refused_and_then_it_goes_on(url):
    """
    More questions than can wait are answered 503 with a time to come back; then all is as before.
    """

    async def flood():
        names = [f"{'x' * 60}::{n}" for n in range(3000)]
        body = json.dumps({**examples.SELECT, "all_tests": names}).encode()
        limits = httpx.Limits(max_connections=500)
        async with httpx.AsyncClient(base_url=url, timeout=100, limits=limits) as client:
            asked = (client.post(SELECT, content=body) for _ in range(500))
            return await asyncio.gather(*asked)

    answers = asyncio.run(flood())
    refused = [answer for answer in answers if answer.status_code == 503]

    assert Counter(answer.status_code for answer in answers).keys() == {200, 503}
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert {answer.json()["type"] for answer in refused} == {"urn:devmind:problem:overloaded"}
    assert httpx.post(url + SELECT, json=examples.SELECT, timeout=30).status_code == 200
    assert one_answer(url)["model_version"] == "1"


def test_a_rolling_update_costs_no_request(url, place):
    """
    With every replica of every deployment replaced under load no answer is wrong or missing.
    """
    names = list(REPLICAS)
    before = {name: set(pids(name)) for name in names}
    changed = config(int(url.rpartition(":")[2]), REPLICAS, SCALING)
    changed["applications"][0]["args"] = {"projects_per_replica": 201}
    with load(url, place) as clients:
        deploy(changed)
        until(
            lambda: all(
                not before[name] & set(pids(name)) and running(name) >= REPLICAS[name]
                for name in names
            ),
            "replaced",
        )

    assert set(said(clients.answers)) == {"1"}


def one_answer(url):
    answer = httpx.post(url + DURATION, json=examples.DURATION, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()
