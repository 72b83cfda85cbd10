"""The whole application on a real Ray: served, asked, promoted, broken, killed."""

import asyncio
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from deployments.http import examples
from devmind.client import Client, Question, TestQuestion
from devmind.errors import NotFound
from devmind.wire import BuildBody
from history.open import open_history
from models.gate import Decision
from models.names import BUILD_OPTIMIZER
from models.registry import Registry
from tests.cluster.serving import kill, pids, served, until
from tests.deployments.company import (
    PROJECT,
    TESTS,
    happened,
    queued,
    recorded_and_registered,
    register,
)

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

DURATION = "/api/v1/build-optimizer/predict"


@pytest.fixture(name="place", scope="module")
def _place(tmp_path_factory):
    """Settings of a service with a recorded project and three champions."""
    return recorded_and_registered(tmp_path_factory.mktemp("home"))


@pytest.fixture(name="url", scope="module")
def _url(place):
    with served(place.home, replicas={"build-optimizer": 2}) as url:
        yield url


def ok(response, status=200):
    assert response.status_code == status, response.text
    return response.json()


def duration(url):
    return ok(httpx.post(url + DURATION, json=examples.DURATION, timeout=30))


def test_all_three_answer_over_http(url):
    """
    The documentation's question is answered by three models, each in its own deployment.
    """
    answer = ok(httpx.post(f"{url}/api/v1/assess", json=examples.ASSESS, timeout=30))

    assert answer["errors"] == {}
    assert {answer[part]["model_version"] for part in ("duration", "failure", "tests")} == {"1"}
    assert {answer[part]["as_of"] for part in ("duration", "failure", "tests")} == {90}


def test_a_request_keeps_its_id(url):
    """
    Behind Serve's proxy the id comes back once, in the header and in the body of an error.
    """
    answered = httpx.get(f"{url}/nowhere", headers={"x-request-id": "mine-1"})

    assert answered.headers.get_list("x-request-id") == ["mine-1"]
    assert answered.json()["request_id"] == "mine-1"


def test_the_client_and_the_service_agree(url, place):
    """
    The client records a build with its tests and its end, and the next prediction knows them.
    """
    build = queued(30)
    question = Question(project=PROJECT, pipeline=build.pipeline, change=build.change)
    with Client(url) as client:
        before = client.predict_duration(question)
        events = happened(30)
        receipt = client.record_build(build)
        client.record_tests(receipt.build_id, events[1].report)
        client.record_finish(receipt.build_id, events[2].outcome)
        time.sleep(place.state_max_age_s)
        after = client.predict_duration(question)
        selection = client.select_tests(TestQuestion(question=question))
        with pytest.raises(NotFound):
            client.record_finish("nobody", events[2].outcome)

    assert after.as_of == before.as_of + 3 == 93
    assert set(TESTS) == {*selection.selected_tests, *selection.skipped_tests}


def test_model_replicas_load_no_training_library(url):
    """
    No replica of a model maps torch or pandas into memory, and only XGBoost's own brings
    scikit-learn; MLflow, which needs pandas, is in the history's alone.
    """

    def maps(deployment, library):
        found = [Path(f"/proc/{pid}/maps").read_text() for pid in pids(deployment)]
        return any(f"/{library}/" in text for text in found)

    for deployment in ("ingress", "failure-predictor", "test-intelligence", "history"):
        assert not maps(deployment, "torch")
        assert not maps(deployment, "sklearn")
    assert not maps("build-optimizer", "torch")
    for deployment in ("ingress", "build-optimizer", "failure-predictor", "test-intelligence"):
        assert not maps(deployment, "pandas")


def test_metrics_are_those_of_all_replicas(url):
    """
    Both replicas answer, and whichever ingress is asked, the counts are the application's.
    """

    def predictions():
        text = httpx.get(f"{url}/metrics", timeout=30).text
        families = text_string_to_metric_families(text)
        return {
            (sample.name, sample.labels.get("model"), sample.labels.get("version")): sample.value
            for family in families
            for sample in family.samples
            if not sample.labels.get("le")
        }

    key = ("devmind_predictions_total", BUILD_OPTIMIZER, None)
    before = predictions().get(key, 0)
    for _ in range(20):
        duration(url)
    until(lambda: predictions().get(key, 0) >= before + 20, "counted")

    loaded = ("devmind_model_loaded", BUILD_OPTIMIZER, "1")
    until(lambda: predictions().get(loaded) == 2, "loaded twice")
    assert not [name for name, *_ in predictions() if not name.startswith(("devmind", "ray_serve"))]


def test_a_training_job_runs_on_the_same_cluster(url):
    """
    A job that is asked for over HTTP runs through Ray's job API, and why it fails can be read, with
    what it wrote, and is counted; one that is cancelled stays so and leaves the model free.
    """
    job = ok(httpx.post(f"{url}/models/retrain/test-intelligence", json={}, timeout=60), 202)
    path = f"{url}/models/jobs/{job['job_id']}"
    second = httpx.post(f"{url}/models/retrain/test-intelligence", json={}, timeout=60)
    until(lambda: ok(httpx.get(path, timeout=60))["state"] == "failed", "over")

    assert second.status_code == 409
    assert "Need at least" in ok(httpx.get(path, timeout=60))["detail"]
    assert '"state": "failed"' in ok(httpx.get(f"{path}/logs", timeout=60))["text"]
    for _ in range(2):
        other = ok(httpx.post(f"{url}/models/retrain/failure-predictor", json={}, timeout=60), 202)
        at = f"{url}/models/jobs/{other['job_id']}"
        ok(httpx.post(f"{at}/cancel", timeout=60))
        assert ok(httpx.get(at, timeout=60))["state"] == "cancelled"
    ended = re.compile(
        r'devmind_training_jobs_total\{.*model="test_intelligence",state="failed"\} 1'
    )
    until(lambda: ended.search(httpx.get(f"{url}/metrics", timeout=30).text), "counted")
    assert ok(httpx.get(at, timeout=60))["state"] == "cancelled"


def test_a_promotion_reaches_every_replica(url, place):
    """
    After a promotion all replicas swap without a failed request, and a rollback brings them back.
    """
    registry = Registry(place.tracking_uri, place.artifacts)
    options = {"models": [BUILD_OPTIMIZER], "promote": False, "slower": 3.0}
    version = register(registry, place.home, **options)[BUILD_OPTIMIZER]
    usual_s = duration(url)["p50_s"]
    promote(url, version)
    until(lambda: versions(url) == {version}, "on the new version everywhere")
    slower_s = duration(url)["p50_s"]
    ok(httpx.post(f"{url}/models/build-optimizer/rollback", timeout=30))
    until(lambda: versions(url) == {"1"}, "back everywhere")

    assert slower_s > 2 * usual_s
    assert duration(url)["p50_s"] == usual_s


def test_promoting_refusing_and_rolling_back_cost_no_request(url, place):
    """
    While requests go on, a version is promoted, another is refused with the gate's reasons, and the
    first is rolled back: every request is answered, by one of the two versions.
    """
    registry = Registry(place.tracking_uri, place.artifacts)
    options = {"models": [BUILD_OPTIMIZER], "promote": False, "slower": 2.0}
    good, bad = (register(registry, place.home, **options)[BUILD_OPTIMIZER] for _ in range(2))
    refusal = Decision(promote=False, reasons=("mae_s is worse",))
    registry.record_decision(BUILD_OPTIMIZER, bad, refusal)
    over = threading.Event()

    def ask():
        answers = []
        with httpx.Client(base_url=url, timeout=60) as client:
            while not over.is_set():
                answer = client.post(DURATION, json=examples.DURATION)
                answers.append((answer.status_code, answer.json().get("model_version")))
        return answers

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask) for _ in range(3)]
        try:
            promote(url, good)
            until(lambda: versions(url) == {good}, "on the new version everywhere")
            body = {"version": bad, "force": False}
            path = f"{url}/models/build-optimizer/promote"
            refused = httpx.post(path, json=body, timeout=30)
            ok(httpx.post(f"{url}/models/build-optimizer/rollback", timeout=30))
            until(lambda: versions(url) == {"1"}, "back everywhere")
        finally:
            over.set()
        answers = [answer for each in asking for answer in each.result()]

    assert (refused.status_code, "mae_s is worse" in refused.text) == (409, True)
    assert {code for code, _ in answers} == {200}
    assert {version for _, version in answers} == {"1", good}


def test_a_broken_version_changes_nothing(url, place):
    """
    A promoted version whose files are damaged is not served: the old one goes on, and it is said.
    """
    registry = Registry(place.tracking_uri, place.artifacts)
    options = {"models": [BUILD_OPTIMIZER], "promote": False}
    version = register(registry, place.home, **options)[BUILD_OPTIMIZER]
    newest = max(place.artifacts.rglob("booster.ubj"), key=lambda path: path.stat().st_mtime_ns)
    newest.write_bytes(b"spoilt")
    promote(url, version)
    failures = "devmind_model_load_failures_total"
    until(lambda: failures in httpx.get(f"{url}/metrics", timeout=30).text, "counted")

    assert versions(url) == {"1"}
    assert ok(httpx.get(f"{url}/ready"))["ready"]
    ok(httpx.post(f"{url}/models/build-optimizer/rollback", timeout=30))


def test_nothing_promised_is_lost_when_replicas_are_killed(url, place):
    """
    With a model's and the history's replica killed under load every request is answered with
    success, and every build that was acknowledged is there.
    """
    builds = [queued(n) for n in range(1000, 1060)]

    async def load():
        limits = httpx.Limits(max_connections=8)
        async with httpx.AsyncClient(base_url=url, timeout=100, limits=limits) as client:
            asked = [client.post(DURATION, json=examples.DURATION) for _ in range(120)]
            bodies = [BuildBody.of(build).model_dump(mode="json") for build in builds]
            told = [client.post("/api/v1/builds", json=body) for body in bodies]
            mixed = [
                task for pair in zip(asked[::2], asked[1::2], told, strict=True) for task in pair
            ]
            tasks = [asyncio.create_task(task) for task in mixed]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            killed = [pids("build-optimizer")[0], pids("history")[0]]
            for pid in killed:
                kill(pid)
            return killed, await asyncio.gather(*tasks)

    killed, answers = asyncio.run(load())

    assert not {*pids("build-optimizer"), *pids("history")} & {*killed}
    assert {answer.status_code for answer in answers} <= {200, 201}
    recorded = {ok(a, a.status_code)["build_id"] for a in answers if "sequence" in a.json()}
    assert recorded == {build.build_id for build in builds}
    with open_history(place.database) as store:
        assert all(store.build(build.build_id) == build for build in builds)


def promote(url, version):
    body = {"version": version, "force": True}
    ok(httpx.post(f"{url}/models/build-optimizer/promote", json=body, timeout=30))


def versions(url):
    """The versions that answer, over enough requests to reach every replica."""
    return {duration(url)["model_version"] for _ in range(12)}
