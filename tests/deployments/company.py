"""A small history, and small real models that have learned from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np

from devmind.ci import (
    BuildOutcome,
    BuildStatus,
    Change,
    ChangedFile,
    Job,
    QueuedBuild,
    Step,
    TestReport,
    TestRun,
    Verdict,
)
from devmind.events import Finished, Queued, Reported
from devmind.settings import ServerSettings
from features.build_state import BuildState
from features.replay import replay_builds, replay_tests
from features.verdict_state import TestState
from history.open import open_history
from models.bundle import Manifest, TrainedRange, write_bundle
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, MODELS, TEST_INTELLIGENCE
from models.network import fit_grid, parameter_names
from models.recall_table import PastBuild, RecallTable
from models.registry import Registry
from models.scorecard import Scorecard, ScoredRange

START = datetime(2026, 1, 5, tzinfo=UTC)
PROJECT, PIPELINE = "acme/shop", "ci.yml"
TESTS = tuple(f"cart::test_{n}" for n in range(12))
MIN_HISTORY = 20


def queued(n, *, project=PROJECT, path="src/cart.py", **more):
    """The n-th build of a project, an hour after the one before."""
    change = Change(
        commit=f"c{n}",
        author=("ann", "bo")[n % 2],
        branch=f"fix/{n // 4}",
        files=(ChangedFile(path=path, lines_added=1 + n % 7),),
    )
    return QueuedBuild(
        project=project,
        pipeline=PIPELINE,
        external_id=str(n),
        queued_at=START + timedelta(hours=n),
        change=change,
        **more,
    )


def happened(n, **more):
    """What happened to the n-th build: each fifth fails by its first test."""
    build, fails = queued(n, **more), n % 5 == 0
    started = build.queued_at + timedelta(seconds=10)
    ended = started + timedelta(seconds=240 + 10 * (n % 6))
    step = Step(
        name="npm ci",
        status=BuildStatus.PASSED,
        started_at=started,
        finished_at=started + timedelta(seconds=120),
    )
    job = Job(
        name="test",
        status=BuildStatus.PASSED,
        started_at=started,
        finished_at=ended,
        steps=(step,),
    )
    runs = tuple(
        TestRun(
            name=name,
            verdict=Verdict.FAILED if fails and not place else Verdict.PASSED,
            duration_s=1.0 + place,
        )
        for place, name in enumerate(TESTS)
    )
    status = BuildStatus.FAILED if fails else BuildStatus.PASSED
    return [
        Queued(build=build),
        Reported(build_id=build.build_id, report=TestReport(runs=runs, name="test")),
        Finished(
            build_id=build.build_id,
            outcome=BuildOutcome(status=status, started_at=started, finished_at=ended, jobs=(job,)),
        ),
    ]


def slowed(n, times):
    """What happened to the n-th build, had its work taken so many times as long."""
    *before, end = happened(n)
    started, job = end.outcome.started_at, end.outcome.jobs[0]
    late = started + times * (end.outcome.finished_at - started)
    outcome = replace(end.outcome, finished_at=late, jobs=(replace(job, finished_at=late),))
    return [*before, Finished(build_id=end.build_id, outcome=outcome)]


def failed_by(build, tests):
    """What happened to a build by whose tests it failed, all of them in one job."""
    started = build.queued_at + timedelta(seconds=10)
    ended = started + timedelta(seconds=240)
    runs = tuple(TestRun(name=name, verdict=Verdict.FAILED, duration_s=1.0) for name in tests)
    outcome = BuildOutcome(status=BuildStatus.FAILED, started_at=started, finished_at=ended)
    return [
        Queued(build=build),
        Reported(build_id=build.build_id, report=TestReport(runs=runs, name="test")),
        Finished(build_id=build.build_id, outcome=outcome),
    ]


def record(store, count, *, first=0, project=PROJECT):
    """Record that many builds, from the first to the last."""
    for n in range(first, first + count):
        store.append(project, happened(n, project=project))


@dataclass(frozen=True)
class Learned:
    """What the models learned from."""

    builds: object
    tests: object


@cache
def learned(folder):
    """Examples of 60 builds; computed once a folder."""
    with open_history(f"sqlite:///{folder / 'learned.db'}") as store:
        record(store, 60)
        events = list(store.read(PROJECT))
    return Learned(builds=replay_builds(events), tests=replay_tests(events))


def manifest(model, features, **more):
    trained_on = TrainedRange(
        first_queued_at=START, last_queued_at=START, projects=(PROJECT,), rows=60
    )
    return Manifest(
        model=model,
        features=tuple(features),
        trained_on=trained_on,
        code_version="0.1.0+test",
        seed=0,
        created_at=START,
        groups=more.pop("groups", {}),
        **more,
    )


def _optimizer(examples, slower):
    import xgboost  # noqa: PLC0415 - slow; only who needs it pays

    from models.build_optimizer import QUANTILES, files, to_log_seconds  # noqa: PLC0415 - as above
    from models.packed_boosters import packed_file  # noqa: PLC0415 - as above

    seconds = slower * examples.builds.duration_s
    options = {
        "objective": "reg:quantileerror",
        "quantile_alpha": list(QUANTILES),
        "max_depth": 3,
        "nthread": 1,
    }
    rows = xgboost.QuantileDMatrix(examples.builds.rows, to_log_seconds(seconds))
    body = xgboost.train(options, rows, 10).save_raw("ubj")
    made = manifest(
        BUILD_OPTIMIZER,
        BuildState.names,
        groups=dict(BuildState.groups),
        metrics={"coverage": 0.8},
        calibration={"cqr_low": 0.1, "cqr_high": 0.1, "min_history": float(MIN_HISTORY)},
        baseline=_typical(examples.builds.rows),
    )
    return made, files(body) | packed_file(body)


def _predictor(examples):
    from models.failure_predictor import files  # noqa: PLC0415 - beside its siblings

    rng, k = np.random.default_rng(0), len(BuildState.names)
    shapes = [(8, 2 * k), (8,), (8,), (8,), (1, 8), (1,)]
    member = {
        name: 0.3 * rng.normal(size=shape)
        for name, shape in zip(parameter_names(1), shapes, strict=True)
    }
    made = manifest(
        FAILURE_PREDICTOR,
        BuildState.names,
        groups=dict(BuildState.groups),
        calibration={"base_rate": 0.2, "min_history": float(MIN_HISTORY)},
        thresholds={"medium": 0.3, "high": 0.6},
        baseline=_typical(examples.builds.rows),
    )
    return made, files(fit_grid(examples.builds.rows), [member])


def _intelligence(examples):
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 - slow; as above

    from models.intelligence import files  # noqa: PLC0415 - beside its siblings

    tests = examples.tests
    forest = RandomForestClassifier(10, max_depth=4, random_state=0)
    forest.fit(np.nan_to_num(tests.rows, nan=-1.0), tests.failed)
    chances = np.linspace(0, 1, 12)
    past = [
        PastBuild(probability=chances, failed=chances > 0.9, project=PROJECT) for _ in range(40)
    ]
    made = manifest(
        TEST_INTELLIGENCE,
        TestState.names,
        calibration={
            "base_rate": 0.02,
            "min_history": float(MIN_HISTORY),
            **RecallTable.measure(past).to_calibration(),
        },
    )
    return made, files(forest)


def _typical(rows):
    medians = [np.nanmedian(c) if np.isfinite(c).any() else None for c in rows.T]
    return tuple(None if m is None or np.isnan(m) else float(m) for m in medians)


def bundle(model, folder, into, *, slower=1.0):
    """Write a bundle of *model*, trained on `learned(folder)`, to the folder *into*."""
    examples = learned(folder)
    made = {
        BUILD_OPTIMIZER: lambda: _optimizer(examples, slower),
        FAILURE_PREDICTOR: lambda: _predictor(examples),
        TEST_INTELLIGENCE: lambda: _intelligence(examples),
    }[model]()
    return write_bundle(into, *made)


def scorecard(model):
    """A scorecard that beats its baseline."""
    metric = {BUILD_OPTIMIZER: "mae_s", FAILURE_PREDICTOR: "auc", TEST_INTELLIGENCE: "apfd"}[model]
    better, worse = (9.0, 12.0) if metric == "mae_s" else (0.8, 0.6)
    return Scorecard(
        model=model,
        measured_on=ScoredRange(first_queued_at=START, last_queued_at=START, rows=200, digest="d"),
        metrics={metric: better, "coverage": 0.8, "ece": 0.05},
        baselines={"last": {metric: worse}},
    )


def recorded_and_registered(home):
    """Settings of a service in *home* with a recorded project and three champions."""
    settings = ServerSettings(home=home)
    with open_history(settings.database) as store:
        record(store, 30)
    register(Registry(settings.tracking_uri, settings.artifacts), settings.home)
    return settings


def register(registry, folder, *, models=MODELS, promote=True, slower=1.0):
    """Register a version of each model; returns model -> version."""
    versions = {}
    for model in models:
        number = len(registry.versions(model))
        made = bundle(model, folder, folder / f"{model}-{number}", slower=slower)
        versions[model] = registry.register(model, made, scorecard(model))
        if promote:
            registry.promote(model, versions[model])
    return versions
