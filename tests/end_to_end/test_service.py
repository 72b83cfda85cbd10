"""The main job on real input: import, train, serve, record, learn, promote, survive."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from devmind.ci import BuildOutcome, BuildStatus, Change, ChangedFile, QueuedBuild
from devmind.client import Question, Target, TestQuestion
from tests.end_to_end.local_service import LocalService

pytestmark = [pytest.mark.end_to_end, pytest.mark.cluster, pytest.mark.timeout(1500)]

SOURCES = (
    "github-actions/with_steps/pr3y_Bruce_wf121541665_fixed.csv",
    "github-actions/with_steps/ccpay_wf6192976_fixed.csv",
    "iofrol/iofrol.csv",
)
CHANGE = Change(branch="main", files=(ChangedFile(path="src/a.c"),))


@pytest.fixture(name="service", scope="module")
def _service(ci_data, tmp_path_factory):
    """A service that has learned real GitHub runs and a real table of verdicts."""
    service = LocalService.at(tmp_path_factory.mktemp("devmind"))
    for source in SOURCES:
        service.run("history.load", str(ci_data / source), "--json")
    service.up()
    yield service
    service.down()


@pytest.fixture(name="project", scope="module")
def _project(service):
    """A project of GitHub runs."""
    with service.client() as client:
        return max(client.projects(), key=lambda one: one.builds).project


def question(project):
    return Question(project=project, change=Change(branch="main"))


def until(found, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not (result := found()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return result


def test_three_questions_have_answers_from_trained_models(service, project):
    """
    Duration, failure and tests are answered by promoted models, with interval and reasons.
    """
    with service.client() as client:
        duration = client.predict_duration(question(project))
        failure = client.predict_failure(
            Question(project=project, pipeline=duration.pipeline_id, change=CHANGE)
        )
        tests = client.select_tests(
            TestQuestion(
                question=Question(project="iofrol", change=CHANGE),
                target=Target(kind="time_share", value=0.3),
            )
        )

    assert 0 < duration.p10_s <= duration.p50_s <= duration.p90_s
    assert 0 < failure.failure_probability < 1
    assert duration.reasons
    assert failure.contributing_factors
    assert 0 < len(tests.selected_tests) < tests.total_tests
    assert all(a.model_version and a.as_of for a in (duration, failure, tests))


def test_a_recorded_build_informs_the_next_prediction(service, project):
    """
    Failures recorded on a branch raise the risk of its next build; a repeat changes nothing.
    """
    now = datetime.now(UTC) - timedelta(hours=5)
    branch = "feature/always-red"
    with service.client() as client:
        pipeline = client.predict_duration(question(project)).pipeline_id
        asked = Question(project=project, pipeline=pipeline, change=Change(branch=branch))
        before = client.predict_failure(asked)
        for number in range(4):
            build = QueuedBuild(
                project=project,
                pipeline=pipeline,
                external_id=f"red-{number}",
                queued_at=now + timedelta(hours=number),
                trigger="push",
                change=Change(branch=branch, author="ann", files=(ChangedFile(path="src/a.cpp"),)),
            )
            outcome = BuildOutcome(
                status=BuildStatus.FAILED, finished_at=build.queued_at + timedelta(minutes=5)
            )
            receipt = client.record_build(build)
            client.record_finish(receipt.build_id, outcome)
        again = client.record_build(build)
        after = until(lambda: (p := client.predict_failure(asked)).as_of > before.as_of + 7 and p)

    assert again.repeated
    assert again.sequence == receipt.sequence
    assert after.as_of == before.as_of + 8
    assert after.failure_probability > before.failure_probability


def test_a_new_version_is_trained_promoted_and_rolled_back(service, project):
    """
    Retraining registers a version; promotion and rollback reach the replicas without a restart.
    """
    with service.client() as client:

        def served():
            return client.predict_duration(question(project)).model_version

        old = served()
        job = client.retrain("build-optimizer")
        ended = until(lambda: (j := client.job(job.job_id)).over and j, 400)
        assert ended.state == "succeeded", ended
        versions = next(m for m in client.model_status() if m.model == "build-optimizer").versions
        new = max((v.version for v in versions), key=int)
        assert served() == old

        client.promote("build-optimizer", new, force=True)
        promoted = until(lambda: served() == new)
        client.rollback("build-optimizer")
        rolled_back = until(lambda: served() == old)

    assert int(new) > int(old)
    assert promoted
    assert rolled_back


@pytest.mark.parametrize("deployment", ["build-optimizer", "history"])
def test_a_killed_replica_costs_no_answer(service, project, deployment):
    """
    While a replica is killed under load, every prediction and every recording is answered.
    """
    start = datetime.now(UTC) - timedelta(hours=1)

    def ask(number):
        with service.client() as client:
            build = QueuedBuild(
                project="load/recorded",
                pipeline="ci",
                external_id=f"{deployment}-{number}",
                queued_at=start,
            )
            receipt = client.record_build(build)
            return receipt.build_id, client.predict_duration(question(project)).p50_s

    with service.client() as client:
        before = sum(p.builds for p in client.projects() if p.project == "load/recorded")
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(ask, number) for number in range(120)]
        until(lambda: sum(a.done() for a in answers) > 20)
        victim, *_ = service.replicas(deployment)
        victim.send_signal(signal.SIGKILL)
        given = [answer.result() for answer in answers]

    with service.client() as client:
        (recorded,) = (p for p in client.projects() if p.project == "load/recorded")
    assert all(p50_s > 0 for _, p50_s in given)
    assert recorded.builds == before + len({build_id for build_id, _ in given})


def test_up_again_reuses_everything(service):
    """
    A second `up` trains nothing, imports nothing and keeps the running service.
    """
    with service.client() as client:
        before = client.model_status(), client.projects()

    service.up()

    with service.client() as client:
        champions = [model.champion for model in client.model_status()]
        assert [model.champion for model in before[0]] == champions
        assert before[1] == client.projects()


def test_metrics_are_of_the_whole_application(service):
    """
    `/metrics` counts what all deployments did.
    """

    def all_there():
        with service.client() as client:
            text = client.metrics()
        return all(f"devmind_{name}_total{{" in text for name in ("events_recorded", "predictions"))

    assert until(all_there)
