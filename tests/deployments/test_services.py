"""What the three model deployments answer, from real small models and a real history."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from deployments.metrics import Metrics
from deployments.questions import About, DurationQuestion, FailureQuestion, SelectionQuestion
from devmind.ci import ChangedFile
from devmind.errors import HistoryUnavailable, InvalidInput, ModelUnavailable, NotFound
from devmind.events import Queued
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE
from models.selection import Budget, Confidence, MissRate, TimeShare
from tests.deployments.company import (
    PIPELINE,
    PROJECT,
    START,
    TESTS,
    queued,
    record,
)
from tests.deployments.fakes import Instruments
from tests.deployments.services import KINDS, service_of

BUILDS = 40


@pytest.fixture(name="instruments")
def _instruments():
    return Instruments()


@pytest.fixture(name="serve")
def _serve(store, packed, instruments):
    """Make a model's service on *store*; `loaded=False` leaves it without a champion."""
    record(store, BUILDS)

    def make(model, *, loaded=True):
        return service_of(
            model,
            store,
            packed[model] if loaded else None,
            now=START + timedelta(hours=BUILDS),
            metrics=Metrics(instruments),
        )

    return make


def about(**more):
    return About(project=PROJECT, files=(ChangedFile(path="src/cart.py"),), **more)


def test_a_duration_comes_with_interval_reasons_version_and_sequence(serve, instruments):
    """
    The prediction lies in its interval and near what builds took, and says what it rests on.
    """
    answer = asyncio.run(serve(BUILD_OPTIMIZER).predict(DurationQuestion(about=about())))

    assert answer.p10_s <= answer.p50_s <= answer.p90_s
    assert 200 < answer.p50_s < 350
    assert (answer.interval, answer.confidence) == (0.8, 0.8)
    assert (answer.pipeline_id, answer.model_version, answer.as_of) == (PIPELINE, "7", 3 * BUILDS)
    assert not answer.abstained
    assert answer.reasons
    assert (
        instruments.get("devmind_predictions_total", model=BUILD_OPTIMIZER, abstained="false") == 1
    )


def test_answers_from_memory_are_counted(serve, instruments, monkeypatch):
    """
    While the history is away a model answers of a project that it knows, and each answer counts.
    """
    service = serve(BUILD_OPTIMIZER)
    asyncio.run(service.predict(DurationQuestion(about=about())))
    states = service._bench.states
    monkeypatch.setattr(states, "_max_age_s", 0.0)

    def away(*_values, **_named):
        raise HistoryUnavailable("connection refused")

    monkeypatch.setattr(states._history, "tail", away)
    counted = []
    for author in ("ann", "bo"):
        asyncio.run(service.predict(DurationQuestion(about=about(author=author))))
        counted.append(instruments.get("devmind_stale_answers_total", model=BUILD_OPTIMIZER))

    assert counted == [1, 2]


@pytest.mark.parametrize(
    ("model", "question", "left_out"),
    [
        (BUILD_OPTIMIZER, DurationQuestion, {"reasons": ()}),
        (FAILURE_PREDICTOR, FailureQuestion, {"contributing_factors": (), "recommendations": ()}),
    ],
)
def test_who_wants_no_reasons_gets_the_same_answer_without_them(serve, model, question, left_out):
    """
    Only reasons, and the advice that rests on them, are left out.
    """
    service = serve(model)

    whole = asyncio.run(service.predict(question(about=about())))
    plain = asyncio.run(service.predict(question(about=about(), why=False)))

    assert all(getattr(plain, name) == () for name in left_out)
    assert replace(whole, **left_out) == plain


def test_a_recorded_build_is_asked_about_by_its_id(serve, store):
    """
    Asked for by its id alone, a build is predicted just as when all of it is sent.
    """
    build = queued(BUILDS)
    service = serve(BUILD_OPTIMIZER)
    sent = About(
        project=PROJECT,
        pipeline=PIPELINE,
        queued_at=build.queued_at,
        commit=build.change.commit,
        author=build.change.author,
        branch=build.change.branch,
        files=build.change.files,
    )
    before = asyncio.run(service.predict(DurationQuestion(about=sent)))
    store.append(PROJECT, [Queued(build=build)])
    by_id = About(build_id=build.build_id)
    after = asyncio.run(serve_again(service, DurationQuestion(about=by_id)))

    assert before.p50_s == after.p50_s
    assert before.as_of + 1 == after.as_of


def serve_again(service, question):
    """Ask when the state is old enough to be looked after."""
    service._bench.states._clock.seconds += 10
    return service.predict(question)


def test_a_project_never_seen_is_abstained_on(serve, instruments):
    """
    An unknown project gets the general numbers, an abstention and the reason, not an error.
    """
    duration = asyncio.run(
        serve(BUILD_OPTIMIZER).predict(DurationQuestion(about=About(project="nobody")))
    )
    failure = asyncio.run(
        serve(FAILURE_PREDICTOR).predict(FailureQuestion(about=About(pipeline="no/body/ci")))
    )

    assert duration.abstained
    assert failure.abstained
    assert duration.p50_s > 0
    assert duration.confidence is None
    assert (failure.project_name, failure.pipeline_id) == ("no/body", "ci")
    assert (failure.failure_probability, failure.risk_level) == (0.2, "unknown")
    assert "never seen" in duration.abstention_reason
    assert (
        instruments.get("devmind_predictions_total", model=FAILURE_PREDICTOR, abstained="true") == 1
    )


def test_what_the_caller_knows_is_used_where_history_is_thin(serve):
    """
    Durations and failure rates that are sent stand in for a history that is not there.
    """
    stranger = About(project="new", pipeline="ci")
    duration = asyncio.run(
        serve(BUILD_OPTIMIZER).predict(
            DurationQuestion(about=stranger, known_durations_s=(100.0, 200.0, 300.0))
        )
    )
    failure = asyncio.run(
        serve(FAILURE_PREDICTOR).predict(
            FailureQuestion(about=stranger, known_builds=50, known_failure_rate=0.4)
        )
    )

    assert pytest.approx((duration.p10_s, duration.p50_s, duration.p90_s)) == (120, 200, 280)
    assert "3 durations that were sent" in duration.abstention_reason
    assert pytest.approx(0.4) == failure.base_rate == failure.failure_probability


def test_a_risk_comes_with_its_base_rate_and_reasons(serve):
    """
    The base rate is what history says, and the confidence that of the likelier outcome.
    """
    question = FailureQuestion(about=About(pipeline=f"{PROJECT}/{PIPELINE}", branch="fix/9"))
    answer = asyncio.run(serve(FAILURE_PREDICTOR).predict(question))

    assert (answer.project_name, answer.pipeline_id) == (PROJECT, PIPELINE)
    assert pytest.approx(0.2) == answer.base_rate
    assert answer.risk_level in ("low", "medium", "high")
    assert max(answer.failure_probability, 1 - answer.failure_probability) == answer.confidence


def test_recommendations_have_seconds_and_evidence(serve, store):
    """
    A slow uncached install is recommended against, with the builds that show it.
    """
    answer = asyncio.run(serve(BUILD_OPTIMIZER).optimize(DurationQuestion(about=about())))
    first = answer.optimizations[0]

    assert first.type == answer.recommended_strategy == "uncached_dependencies"
    assert 0 < first.saves_s <= answer.estimated_savings <= answer.estimated_build_time
    assert store.build(first.evidence[0]).project == PROJECT


def test_a_circle_of_dependencies_is_refused(serve):
    """
    Jobs that wait for each other are named.
    """
    question = DurationQuestion(about=about(), dependencies=(("a", ("b",)), ("b", ("a",))))

    with pytest.raises(InvalidInput, match="'a, b'"):
        asyncio.run(serve(BUILD_OPTIMIZER).optimize(question))


@pytest.mark.parametrize(
    "target",
    [Confidence(recall=0.9), MissRate(rate=0.1), TimeShare(share=0.5), Budget(seconds=30.0)],
)
def test_selected_and_skipped_are_all_tests(serve, target):
    """
    Every known test is selected or skipped, by any target, and the savings follow from it.
    """
    question = SelectionQuestion(about=about(), target=target, must_run=("*test_11",))
    answer = asyncio.run(serve(TEST_INTELLIGENCE).select(question))

    assert set(TESTS) == {*answer.selected_tests, *answer.skipped_tests}
    assert len(TESTS) == answer.total_tests
    assert "cart::test_11" in answer.selected_tests
    assert 0 <= answer.estimated_time_savings_share < 1
    assert not answer.run_all
    assert pytest.approx(40 / 41) == answer.confidence


def test_a_miss_rate_comes_with_what_it_came_to(serve):
    """
    The answer to a stated miss rate holds the realised one, and abstains with the numbers when
    too few builds failed.
    """
    service = serve(TEST_INTELLIGENCE)
    ask = lambda rate: asyncio.run(  # noqa: E731 - shorter
        service.select(SelectionQuestion(about=about(), target=MissRate(rate=rate)))
    )
    kept, thin = ask(0.1), ask(0.01)

    assert 0 <= kept.expected_miss_rate <= 0.1
    assert kept.failing_builds == 31
    assert "at most 10% of the failing builds slip through" in kept.remark
    assert thin.abstained
    assert "takes 99 past failing builds of this project to promise, 40" in thin.run_all_reason


def test_tests_that_are_sent_are_the_candidates(serve):
    """
    A test nobody has seen is new and in; one that is not sent is neither in nor out.
    """
    tests = ("cart::test_1", "cart::brand_new", "cart::test_1")
    question = SelectionQuestion(about=about(), target=Budget(seconds=1.0), tests=tests)
    answer = asyncio.run(serve(TEST_INTELLIGENCE).select(question))

    assert answer.total_tests == 2
    assert "cart::brand_new" in answer.selected_tests
    (new,) = (reason for reason in answer.reasons if reason.test == "cart::brand_new")
    assert new.why == "it has never run"
    assert 0 < new.probability < 1


@pytest.mark.parametrize(
    ("path", "project", "abstained"),
    [("uv.lock", PROJECT, False), ("src/cart.py", "nobody", True)],
    ids=["lock file", "unknown project"],
)
def test_all_tests_run_when_a_subset_cannot_be_trusted(serve, path, project, abstained):
    """
    A change that decides everything, or a history that is too thin, runs all and says why.
    """
    question = SelectionQuestion(
        about=About(project=project, files=(ChangedFile(path=path),)),
        target=Confidence(recall=0.9),
        tests=TESTS,
    )
    answer = asyncio.run(serve(TEST_INTELLIGENCE).select(question))

    assert answer.run_all
    assert answer.run_all_reason
    assert abstained == answer.abstained
    assert answer.skipped_tests == ()


@pytest.mark.parametrize("model", KINDS)
def test_without_a_champion_nothing_is_made_up(serve, model):
    """
    A replica without a model refuses, and its readiness says what to do.
    """
    service = serve(model, loaded=False)
    questions = {
        BUILD_OPTIMIZER: lambda: service.predict(DurationQuestion(about=about())),
        FAILURE_PREDICTOR: lambda: service.predict(FailureQuestion(about=about())),
        TEST_INTELLIGENCE: lambda: service.select(
            SelectionQuestion(about=about(), target=Budget(seconds=1.0))
        ),
    }

    with pytest.raises(ModelUnavailable, match="promote"):
        asyncio.run(questions[model]())
    assert not asyncio.run(service.readiness()).ready


CONTRADICTIONS = {
    "unknown id": (About(build_id="nobody"), NotFound),
    "other project": (About(build_id=queued(1).build_id, project="other"), InvalidInput),
    "other pipeline": (About(build_id=queued(1).build_id, pipeline="other"), InvalidInput),
    "nothing named": (About(), InvalidInput),
}


@pytest.mark.parametrize(("wrong", "error"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_names_that_contradict_each_other_are_refused(serve, wrong, error):
    """
    A build id that is unknown or of another project is an error the caller can correct.
    """
    with pytest.raises(error):
        asyncio.run(serve(FAILURE_PREDICTOR).predict(FailureQuestion(about=wrong)))


def test_a_new_build_is_seen_by_the_next_prediction(serve, store):
    """
    What is recorded between two questions is in the second answer.
    """
    service = serve(FAILURE_PREDICTOR)
    question = FailureQuestion(about=about(pipeline=PIPELINE))
    before = asyncio.run(service.predict(question))
    record(store, 5, first=BUILDS)
    after = asyncio.run(serve_again(service, question))

    assert before.as_of + 15 == after.as_of
    assert pytest.approx(9 / 45) == after.base_rate
