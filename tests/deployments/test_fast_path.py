"""The way that questions take as shipped, beside the plain one, on 10,000 random questions.

`THOROUGH=1` asks all of them, other runs a fourth.

Shipped: HTTP, questions that travel together, packed trees, answers that are given again, short
work on the loop. Plain: one question after the other, to XGBoost's own trees and a forest in
numpy, each answer made anew in a thread.
"""

import asyncio
import json
import os
from datetime import timedelta

import httpx
import numpy as np
import pytest

from deployments.auth import Keys
from deployments.calls import Caller, Failures
from deployments.http.responses import answer
from deployments.kept_answers import KeptAnswers
from deployments.pace import Pace
from deployments.remote import Remote, RemotePredictions
from deployments.schemas import DurationBody, FailureBody, SelectionBody
from models import packed_boosters, packed_forests
from models.exactness import Chosen
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE
from tests.deployments.company import PIPELINE, PROJECT, START, TESTS, queued, record
from tests.deployments.fakes import make_app
from tests.deployments.services import KINDS, service_of

BUILDS, NEW = 40, "acme/new"
NOW = START + timedelta(hours=BUILDS)
AT_ONCE = 48
ASKED = {
    BUILD_OPTIMIZER: ("/api/v1/build-optimizer/predict", DurationBody, 4000),
    FAILURE_PREDICTOR: ("/api/v1/failure-predictor/predict", FailureBody, 3000),
    TEST_INTELLIGENCE: ("/api/v1/test-intelligence/select", SelectionBody, 3000),
}


class Handle:
    """A deployment's handle to a service in this process."""

    def __init__(self, service):
        self._service = service

    def __getattr__(self, name):
        method = getattr(self._service, name)
        return type("Method", (), {"remote": staticmethod(method)})


class NeverShort(Pace):
    """Sends all work into a thread."""

    def short(self, _kind):
        return False


@pytest.fixture(name="shipped")
def _shipped(store, packed):
    """The HTTP application before services as shipped."""
    failures = Failures(wrapped=(), lost=(), refused=(), absent=())
    remotes = {
        model: Remote(
            Handle(service_of(model, store, packed[model], now=NOW)), Caller(model, failures)
        )
        for model in KINDS
    }
    predictions = RemotePredictions(
        duration=remotes[BUILD_OPTIMIZER],
        failure=remotes[FAILURE_PREDICTOR],
        tests=remotes[TEST_INTELLIGENCE],
    )
    return make_app(Keys(), predictions=predictions)


@pytest.fixture(name="plain")
def _plain(store, packed, monkeypatch):
    """Services without packed trees, which give no answer twice."""

    def library(_packed, _sample, library):
        return Chosen(predictor=library(), why_library="it was asked for")

    monkeypatch.setattr(packed_boosters, "choose", library)
    monkeypatch.setattr(packed_forests, "choose", library)
    return {
        model: service_of(
            model, store, packed[model], now=NOW, kept=KeptAnswers(0), pace=NeverShort()
        )
        for model in KINDS
    }


def questions(model, count):
    """Random bodies: fields may be absent, some builds are recorded, one in eight comes twice."""
    rng = np.random.default_rng(count + len(model))
    made = [_question(model, rng) for _ in range(count)]
    for place in rng.choice(np.arange(1, count), size=count // 8, replace=False):
        made[place] = made[place - 1]
    return made


def _question(model, rng):
    project = str(rng.choice([PROJECT, NEW, "acme/unseen"], p=[0.8, 0.15, 0.05]))
    when = START + timedelta(minutes=int(rng.integers(60 * BUILDS, 90 * BUILDS)))
    maybe = {
        "author": str(rng.choice(["ann", "bo", "cy"])),
        "branch": f"fix/{rng.integers(12)}",
        "trigger": str(rng.choice(["push", "pull_request", "schedule"])),
        "message": str(rng.choice(["fix the cart", "WIP", "revert"])),
        "queued_at": when.isoformat(),
        "changed_files": _files(rng),
        "pipeline_id": PIPELINE,
    }
    if project == PROJECT and rng.random() < 0.1:
        maybe["build_id"] = queued(int(rng.integers(BUILDS))).build_id
    sent = {name: value for name, value in maybe.items() if rng.random() < 0.6}
    return {"project_name": project, **sent, **_needed(model, rng)}


def _needed(model, rng):
    if model != TEST_INTELLIGENCE:
        reasons = {"reasons": bool(rng.random() < 0.7)}
        return reasons if model == BUILD_OPTIMIZER else {**reasons, "pipeline_id": PIPELINE}
    kind = str(rng.choice(["confidence", "miss_rate", "time_share", "seconds"]))
    most = 60.0 if kind == "seconds" else 0.3 if kind == "miss_rate" else 0.99
    more = {"all_tests": [*rng.permutation(TESTS)[:9].tolist(), "cart::new"]}
    return {
        "commit_hash": "c0ffee",
        "changed_files": _files(rng),
        "target": {kind: round(float(rng.uniform(0.02, most)), 3)},
        **(more if rng.random() < 0.3 else {}),
    }


def _files(rng):
    names = rng.choice(["src/cart.py", "src/pay.py", "README.md", "ci.yml"], size=rng.integers(4))
    return [{"path": str(n), "lines_added": int(rng.integers(500))} for n in names]


async def over_http(app, path, bodies):
    """Ask for all *bodies*, so many at once; returns status and answer of each."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://devmind") as client:
        found = []
        for start in range(0, len(bodies), AT_ONCE):
            some = bodies[start : start + AT_ONCE]
            answers = await asyncio.gather(*(client.post(path, json=body) for body in some))
            found += [(each.status_code, each.json()) for each in answers]
        return found


async def one_by_one(asked, kind, bodies):
    """Ask for all *bodies* in turn; returns the answers as their JSON would be read."""
    found = []
    for body in bodies:
        question = kind.model_validate_json(json.dumps(body)).domain()
        found.append(json.loads(answer(await asked(question)).body))
    return found


@pytest.mark.parametrize("model", ASKED)
@pytest.mark.timeout(300)
def test_the_way_as_shipped_says_what_the_plain_one_says(model, store, shipped, plain):
    """
    Every answer is the same to the last digit: intervals, reasons, subsets, versions, remarks.
    """
    record(store, BUILDS)
    record(store, 3, project=NEW)
    path, kind, count = ASKED[model]
    count = count if os.environ.get("THOROUGH") else count // 4
    bodies = questions(model, count)
    one = plain[model].select if model == TEST_INTELLIGENCE else plain[model].predict

    expected = asyncio.run(one_by_one(one, kind, bodies))
    found = asyncio.run(over_http(shipped, path, bodies))

    assert {status for status, _ in found} == {200}
    for body, said, (_, answered) in zip(bodies, expected, found, strict=True):
        assert answered == said, body
    knowing = sum(not each["abstained"] for each in expected)
    assert 0.5 * count < knowing < count
