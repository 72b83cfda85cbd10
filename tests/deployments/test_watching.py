"""The watcher, the shadow and the oversight, with real stores, states and models in one process."""

import asyncio
import shutil
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
import structlog

from deployments.build_optimizer import BuildOptimizerService, foretold_duration
from deployments.case import Case
from deployments.equipment import Equipment
from deployments.escapes import LONGEST_NAME, NAMED, tell_escapes
from deployments.intelligence import TestIntelligenceService
from deployments.latest import Latest
from deployments.model_slot import Loaded
from deployments.questions import About, DurationQuestion, SelectionQuestion
from devmind.settings import ServerSettings
from features.build_state import BuildState
from history.linking import Told
from history.open import open_history, open_jobs, open_predictions
from history.predicted import Prediction
from models.names import BUILD_OPTIMIZER, MODELS, TEST_INTELLIGENCE
from models.registry import Registry
from models.selection import TimeShare
from models.shadowing import Shadowing
from models.watch import DurationSaid, SelectionSaid, decode, encode, left_out
from models.watch_cards import LIVE_POLICIES
from tests.deployments.company import (
    PROJECT,
    START,
    bundle,
    failed_by,
    happened,
    queued,
    record,
    register,
    scorecard,
    slowed,
)
from tests.deployments.fakes import Instruments

RECORDED = 70


class Runner:
    """Takes every job and remembers it."""

    def __init__(self):
        self.started = []

    def start(self, _job_id, arguments):
        self.started.append(arguments)

    def ended(self, _job_id):
        return None

    def cluster(self):
        return "head-1"


class Direct:
    """The history deployment's versions, asked without Serve."""

    def __init__(self, lifecycle):
        self._lifecycle = lifecycle

    async def champion(self, model):
        return self._lifecycle.champion(model)

    async def shadow(self, model):
        return self._lifecycle.shadow(model)

    async def bundle(self, model, version):
        return self._lifecycle.bundle(model, version)


class Place:
    """Stores and the parts of a service that work on them."""

    def __init__(self, home, **settings):
        self.settings = ServerSettings(home=home, state_max_age_s=0.0, **settings)
        self.instruments, self.runner = Instruments(), Runner()
        self.equipment = Equipment(
            settings=lambda: self.settings,
            instruments=lambda: self.instruments,
            runner=lambda: self.runner,
            listens_on=lambda: None,
        )
        self.registry = Registry(self.settings.tracking_uri, self.settings.artifacts)
        self.store = open_history(self.settings.database)
        self.predictions = open_predictions(self.settings.database)

    def desk(self):
        return self.equipment.history()

    def bench(self, model=BUILD_OPTIMIZER, desk=None):
        versions = Direct((desk or self.desk()).lifecycle)
        return getattr(self.equipment, model)(versions)

    def told(self, numbers, *, times=1.0):
        """Record builds, each *times* as long as usual."""
        for n in numbers:
            self.store.append(PROJECT, slowed(n, times))

    def rows(self, model, version="1"):
        return self.predictions.scored(model, PROJECT, version, limit=1_000)


@pytest.fixture(name="template", scope="module")
def _template(tmp_path_factory):
    """A recorded project and three champions, made once."""
    place = Place(tmp_path_factory.mktemp("template"))
    record(place.store, RECORDED)
    for model in MODELS:
        made = bundle(model, place.settings.home, place.settings.home / model)
        promised = {**scorecard(model).metrics, "mae_s": 60.0}
        card = msgspec.structs.replace(scorecard(model), metrics=promised)
        place.registry.promote(model, place.registry.register(model, made, card))
    place.store.close()
    place.predictions.close()
    return place.settings.home


@pytest.fixture(name="place")
def _place(tmp_path, template):
    shutil.copytree(template, tmp_path / "home")
    return Place(tmp_path / "home", AUTO_RETRAIN=True)


async def looked(bench):
    await bench.slot.follow()
    await bench.beside.shadow.follow()
    await bench.watcher.look()


def test_what_the_watcher_says_is_what_a_service_would_have_answered(place):
    """
    For each build the watcher has said to the last digit what a service would have answered if it
    had been asked when the build was queued, though it looked long after.
    """
    bench = place.bench()
    asyncio.run(looked(bench))
    live, intervals, expected = BuildState(), Latest(), {}
    model = bench.slot.current().model
    for event in place.store.read(PROJECT):
        live.update(event)
        if hasattr(event, "build"):
            case = Case(model=model, version="1", state=live, build=event.build)
            expected[event.build_id] = foretold_duration(case, intervals)

    rows = place.rows(BUILD_OPTIMIZER)

    assert len(rows) == sum(said is not None for said in expected.values()) > 30
    for row in rows:
        assert decode(BUILD_OPTIMIZER, row.body) == expected[row.build_id]
        assert (row.made_by, row.role) == ("watcher", "champion")


def watched(place, model):
    key = {"model": model, "project": PROJECT}
    return place.instruments.get("devmind_watched_builds_total", **key)


@pytest.mark.parametrize("model", MODELS)
def test_watching_again_counts_nothing_twice(place, model):
    """
    A finish event that is sent again, a second look and two replicas that look at the same events
    add nothing; a replica that starts anew goes on where the last one was.
    """
    one, other = place.bench(model), place.bench(model)
    asyncio.run(looked(one))
    first = watched(place, model)
    place.store.append(PROJECT, happened(RECORDED - 1))
    place.told(range(RECORDED, RECORDED + 3))
    for bench in (one, other):
        bench.watcher._holds = lambda: True  # as if both held the lease
    asyncio.run(both_look(one, other))
    asyncio.run(looked(one))

    rows = place.rows(model)
    assert first == len(rows) - 3 > 30
    assert watched(place, model) == len(rows) == len({row.build_id for row in rows})


@pytest.mark.parametrize("model", MODELS)
def test_reports_alone_are_not_read_until_a_build_is_queued_or_ends(place, model):
    """
    While a build only reports, the watcher stays where it is; at its end it comes to the newest
    event, and has judged what was said as if it had looked at everything at once.
    """
    bench, begun, reported = place.bench(model), *happened(RECORDED)[:2]
    ended = happened(RECORDED)[2:]
    marks = []
    for events in ([begun], [reported], ended):
        place.store.append(PROJECT, events)
        asyncio.run(looked(bench))
        marks.append(place.predictions.watches(model)[PROJECT].as_of)

    newest = place.store.last_sequence(PROJECT)
    said = place.predictions.of_build(begun.build_id)

    assert marks == [newest - 2, newest - 2, newest]
    assert [row.as_of for row in said if row.model == model] == [newest - 2]
    assert all(row.known_at == newest and row.outcome for row in said if row.model == model)


async def both_look(one, other):
    await other.slot.follow()
    await asyncio.gather(one.watcher.look(), other.watcher.look())


def test_a_build_that_somebody_asked_about_counts_by_the_answer(place):
    """
    A question about a commit that is to be recorded is found when its build ends, and stands in
    place of what the watcher says for itself.
    """
    bench, build = place.bench(), queued(RECORDED)
    about = About(project=PROJECT, commit=build.change.commit, branch=build.change.branch)

    async def story():
        await looked(bench)
        answer = await BuildOptimizerService(bench).predict(DurationQuestion(about=about))
        place.told([RECORDED])
        await bench.watcher.look()
        return answer

    answer = asyncio.run(story())

    (row,) = place.predictions.of_build(build.build_id)
    assert (row.made_by, row.known_at is not None) == ("service", True)
    said = DurationSaid(p10_s=answer.p10_s, p50_s=answer.p50_s, p90_s=answer.p90_s)
    assert decode(BUILD_OPTIMIZER, row.body) == said


async def shadowed(place, count):
    """Ask about *count* builds that are to come while version 2 shadows; then they end."""
    bench = place.bench()
    await looked(bench)
    service, answers = BuildOptimizerService(bench), []
    for n in range(RECORDED, RECORDED + count):
        about = About(project=PROJECT, commit=queued(n).change.commit)
        answers.append(await service.predict(DurationQuestion(about=about)))
        await bench.beside.settle()
    place.told(range(RECORDED, RECORDED + count))
    await bench.watcher.look()
    return bench, answers


def test_a_shadow_is_compared_on_the_same_builds_and_promoted(place, monkeypatch):
    """
    A shadow answers silently what callers ask; when its builds have ended, the gate compares both
    on them and the better one becomes champion, with the reasons beside it.
    """
    narrow = replace(
        LIVE_POLICIES[BUILD_OPTIMIZER], guards=()
    )  # as the small model's intervals are
    monkeypatch.setitem(LIVE_POLICIES, BUILD_OPTIMIZER, narrow)
    slower = register(place.registry, place.settings.home, models=[BUILD_OPTIMIZER], slower=3.0)
    place.registry.promote(BUILD_OPTIMIZER, slower[BUILD_OPTIMIZER])
    wanted = Shadowing(version="1", builds=25, promote_if_better=True)
    place.registry.start_shadow(BUILD_OPTIMIZER, wanted)

    _bench, answers = asyncio.run(shadowed(place, 26))
    desk = place.desk()
    before = desk.lifecycle.status()[0]
    desk.oversight.look()
    after = desk.lifecycle.status()[0]

    assert {answer.model_version for answer in answers} == {"2"}
    silent = {"model": BUILD_OPTIMIZER, "state": "answered"}
    assert place.instruments.get("devmind_shadow_answers_total", **silent) == 26
    assert (before.champion, before.shadow.builds, before.shadow.builds_wanted) == ("2", 25, 25)
    assert before.shadow.champion_scorecard["mae_s"] > before.shadow.shadow_scorecard["mae_s"]
    assert (after.champion, after.previous, after.shadow) == ("1", "2", None)
    assert "shadowed version 2 for 25 live builds" in after.versions[1].gate


def test_drift_starts_one_training_a_day(place):
    """
    Builds that have become five times as long make the figures worse than promised: one training
    job is started, which says why, and no second one the same day.
    """
    place.told(range(RECORDED, RECORDED + 40), times=5.0)
    asyncio.run(looked(place.bench()))
    desk, jobs = place.desk(), open_jobs(place.settings.database)
    for _ in range(3):
        desk.oversight.look()
        (job,) = jobs.list()
        jobs.update(job.job_id, now=datetime.now(UTC), state="succeeded")
    watch = desk.lifecycle.status()[0].watching[0]

    assert [arguments[0] for arguments in place.runner.started] == [BUILD_OPTIMIZER]
    assert "--promote-if-better" in place.runner.started[0]
    assert f"of {PROJECT}, beyond 1.25" in job.detail
    assert watch.figures["error_ratio"] == pytest.approx(watch.figures["error"] / 60)
    labels = {"model": BUILD_OPTIMIZER, "project": PROJECT}
    shown = place.instruments.get("devmind_rolling_error_ratio", **labels)
    assert shown == watch.figures["error_ratio"]


async def selected(bench, builds):
    """Ask for a selection of each build, as CI does before it records it."""
    service = TestIntelligenceService(bench)
    answers = []
    for build in builds:
        about = About(project=PROJECT, commit=build.change.commit, files=build.change.files)
        question = SelectionQuestion(about=about, target=TimeShare(share=0.3))
        answers.append(await service.select(question))
    return answers


def test_tests_that_escape_are_counted_and_named_in_the_log(place):
    """
    When a build fails by tests that a selection had left out, the log names the build, the project
    and the tests, as many as are counted; a test that was selected is not named.
    """
    bench, build = place.bench(TEST_INTELLIGENCE), queued(RECORDED)

    async def story():
        await looked(bench)
        (answer,) = await selected(bench, [build])
        tests = (answer.skipped_tests[0], answer.skipped_tests[1], answer.selected_tests[0])
        place.store.append(PROJECT, failed_by(build, tests))
        with structlog.testing.capture_logs() as lines:
            await bench.watcher.look()
        return tests, [line for line in lines if line["event"] == "tests escaped"]

    tests, lines = asyncio.run(story())

    assert place.instruments.get("devmind_escapes_total", project=PROJECT) == 2
    (line,) = lines
    assert (line["project"], line["build"]) == (PROJECT, build.build_id)
    assert (line["escaped"], line["failing"]) == (2, 3)
    assert sorted(line["tests"]) == sorted(tests[:2])


def test_a_line_about_escapes_is_short():
    """
    However many tests escape, and however long their names are, a line holds so many of each.
    """
    numbers = np.arange(1_000, dtype=np.int32)
    body = encode(SelectionSaid(gaps=left_out(numbers), total=2_000, time_share=0.5))
    told = Told(
        build_id="b",
        pipeline="p",
        branch="",
        commit="c",
        queued=1,
        known_at=2,
        failed=True,
        duration_s=1.0,
        failing=numbers,
    )
    said = Prediction(
        model=TEST_INTELLIGENCE,
        version="1",
        role="champion",
        made_by="service",
        made_at=START,
        as_of=1,
        project=PROJECT,
        body=body,
    )
    with structlog.testing.capture_logs() as lines:
        tell_escapes(said, told, lambda few: [f"{n}{'x' * 10_000}" for n in few])

    (line,) = lines
    assert (line["escaped"], len(line["tests"])) == (1_000, NAMED)
    assert max(map(len, line["tests"])) == LONGEST_NAME


class Broken:
    """Fails as a bundle with a bug would."""

    manifest = None

    def __getattr__(self, name):
        raise ZeroDivisionError(name)


def test_a_shadow_that_breaks_is_not_noticed(place):
    """
    An error in the shadow reaches no caller, and the champion is watched all the same.
    """

    async def story():
        bench = place.bench()
        await looked(bench)
        manifest = bench.slot.current().model.manifest
        broken = Broken()
        broken.manifest = manifest
        bench.beside.shadow._loaded = Loaded(model=broken, version="9")
        about = About(project=PROJECT, branch="main")
        answer = await BuildOptimizerService(bench).predict(DurationQuestion(about=about))
        await bench.beside.settle()
        place.told([RECORDED])
        await bench.watcher.look()
        return answer

    answer = asyncio.run(story())

    failed = {"model": BUILD_OPTIMIZER, "state": "failed"}
    assert answer.model_version == "1"
    assert place.instruments.get("devmind_shadow_answers_total", **failed) == 1
    assert len(place.predictions.of_build(queued(RECORDED).build_id)) == 1
