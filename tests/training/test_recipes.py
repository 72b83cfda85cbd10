# ruff: noqa: PLR0913, PLR0917 - a case has a recipe, its history, its knobs and its fit
"""The recipes, with fits that run in this process."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from devmind.errors import FeatureSchemaMismatch, NotEnoughHistory, UnlearnableHistory
from features.build_state import BuildState
from features.verdict_state import TestState
from models.bundle import SCORED, Bundle, beside, read_bundle, write_bundle
from models.names import FAILURE_PREDICTOR
from tests.training.builders import examples, random_builds
from training import build_optimizer, failure_predictor, intelligence, recipes
from training.config import BoostingConfig, ForestConfig, NetworkConfig, Workers, seeds
from training.fit_forest import grow
from training.fit_here import fit_quantiles_here
from training.fit_torch import train_member
from training.recipe import Setting, draft_bundle
from training.shards import read_shard


@pytest.fixture(name="stages")
def _stages():
    return []


@pytest.fixture(name="setting")
def _setting(tmp_path, stages):
    return Setting(
        folder=tmp_path,
        shards=2,
        needed=100,
        now=datetime(2026, 1, 1, tzinfo=UTC),
        code_version="test",
        groups={},
        on_stage=stages.append,
    )


def fit_network(task):
    shards = [read_shard(path, task.names) for path in task.shards]
    rows, label, weight = (np.concatenate(part) for part in zip(*shards, strict=True))
    inputs = task.grid.encode(rows)
    wanted = seeds(task.config.seed, task.config.members)
    return [train_member(inputs, label, weight, task, seed=seed) for seed in wanted]


def fit_forest(rows, failed, weight, config):
    return grow(rows, failed, weight, config, seeds(config.seed, config.trees))


def builds(n, seed=1):
    """Builds with the product's features, the first of which tell the outcome."""
    found = random_builds(n, seed=seed, features=len(BuildState.names))
    return examples(
        sequence=found.sequence,
        known_at=found.known_at,
        rows=found.rows,
        names=BuildState.names,
        duration_s=found.duration_s,
        failed=found.failed,
    )


def reports(cycles=120, tests=12):
    """Test rows with the product's features; a test that failed lately fails more often."""
    rng = np.random.default_rng(5)
    m = cycles * tests
    rows = rng.random((m, len(TestState.names))).astype(np.float32)
    rate = rows[:, TestState.names.index("fail_ewma_h3")]
    sequence = np.repeat(np.arange(1, 3 * cycles, 3), tests)
    return examples(
        sequence=sequence,
        known_at=sequence + 1,
        rows=rows,
        names=TestState.names,
        duration_s=rng.lognormal(size=m),
        failed=rng.random(m) < 0.4 * rate,
        test=np.tile(np.arange(tests), cycles),
    )


SMALL_NETWORK = NetworkConfig(hidden=(8,), members=1, knots=11)
RECIPES = [
    (build_optimizer, builds(400), BoostingConfig(rounds=8), fit_quantiles_here, "mae_s"),
    (failure_predictor, builds(400), SMALL_NETWORK, fit_network, "auc"),
    (intelligence, reports(), ForestConfig(trees=5), fit_forest, "apfd"),
]
IDS = ["build_optimizer", "failure_predictor", "test_intelligence"]


@pytest.mark.parametrize(("recipe", "history", "config", "fit", "metric"), RECIPES, ids=IDS)
def test_what_is_scored_is_what_ships(
    recipe, history, config, fit, metric, setting, stages, tmp_path
):
    """
    The bundle, written and read back, gets the very scorecard that is registered with it.
    """
    trained = recipe.train(history, config, setting, fit=fit)
    written = write_bundle(tmp_path / "bundle", trained.manifest, trained.files)

    assert trained.scorecard == trained.score(read_bundle(written)).card
    assert trained.scorecard.metrics[metric] is not None
    assert trained.scorecard.metrics == trained.manifest.metrics
    assert {"shop"} == set(trained.scorecard.per_project)
    assert list(dict.fromkeys(stages)) == ["fitting", "calibrating", "scoring", "shipping"]


@pytest.mark.parametrize(("recipe", "history", "config", "fit", "metric"), RECIPES, ids=IDS)
def test_newest_builds_teach_nothing(recipe, history, config, fit, metric, setting):
    """
    Changing the outcomes of the newest fifth changes neither weights nor calibration of what is
    scored on them.
    """
    newest = history.sequence >= np.quantile(np.unique(history.sequence), 0.8)
    other = examples(
        sequence=history.sequence,
        known_at=history.known_at,
        rows=history.rows,
        names=history.names,
        duration_s=np.where(newest, 9.0, history.duration_s),
        failed=history.failed if recipe is build_optimizer else history.failed ^ newest,
        test=history.test,
    )

    one = recipe.train(history, config, setting, fit=fit)
    two = recipe.train(other, config, setting, fit=fit)

    first, second = ({n: b for n, b in t.files.items() if n.startswith(SCORED)} for t in (one, two))
    assert first
    assert first == second
    assert one.scorecard.metrics[metric] != two.scorecard.metrics[metric]


@pytest.mark.parametrize(("recipe", "history", "config", "fit", "metric"), RECIPES, ids=IDS)
def test_too_little_history_is_refused_with_numbers(recipe, history, config, fit, metric, setting):
    """
    With fewer builds than needed nothing is trained, and the message says how many there are.
    """
    few = history.where(history.sequence < np.unique(history.sequence)[40])

    with pytest.raises(NotEnoughHistory, match="at least 100"):
        recipe.train(few, config, setting, fit=fit)


def with_outcomes(history, **outcomes):
    return examples(
        sequence=history.sequence,
        known_at=history.known_at,
        rows=history.rows,
        names=history.names,
        test=history.test,
        **outcomes,
    )


@pytest.mark.parametrize(
    ("recipe", "history", "config", "fit", "says"),
    [
        (
            build_optimizer,
            with_outcomes(builds(200), duration_s=np.full(200, 60.0)),
            BoostingConfig(),
            fit_quantiles_here,
            "every build took 60 s",
        ),
        (
            failure_predictor,
            with_outcomes(builds(200), failed=np.zeros(200)),
            SMALL_NETWORK,
            fit_network,
            "builds passed",
        ),
        (
            failure_predictor,
            with_outcomes(builds(200), failed=np.ones(200)),
            SMALL_NETWORK,
            fit_network,
            "builds failed",
        ),
        (
            intelligence,
            with_outcomes(reports(), failed=np.zeros(1440)),
            ForestConfig(trees=2),
            fit_forest,
            "both passing and failing",
        ),
    ],
)
def test_history_without_differences_is_refused(recipe, history, config, fit, says, setting):
    """
    One class only or constant durations leave nothing to learn, and the message says so.
    """
    with pytest.raises(UnlearnableHistory, match=says):
        recipe.train(history, config, setting, fit=fit)


def test_a_bundle_of_other_features_is_not_scored(setting):
    """
    A champion that this code cannot serve is an error to the caller, not a wrong number.
    """
    trained = intelligence.train(reports(), ForestConfig(trees=2), setting, fit=fit_forest)
    scored = draft_bundle(trained.manifest, trained.files).scored()
    foreign, unseen = (
        msgspec.structs.replace(manifest, features=("x",))
        for manifest in (trained.manifest, scored.manifest)
    )
    old = beside(unseen, scored.files)

    for manifest, files in [
        (foreign, trained.files),
        (trained.manifest, {**trained.files, **old}),
        (foreign, {**trained.files, **old}),
        (foreign, {n: b for n, b in trained.files.items() if not n.startswith(SCORED)}),
    ]:
        with pytest.raises(FeatureSchemaMismatch):
            trained.score(Bundle(name="old", manifest=manifest, files=files, seal=""))


@pytest.mark.parametrize(
    ("shared_from", "called", "shards"), [(10_000, "side by side", 1), (100, "sharing rows", 2)]
)
def test_workers_share_rows_of_the_network_only_where_there_are_many(
    setting, monkeypatch, shared_from, called, shards
):
    """
    Few rows are one shard, which every worker has; many are a shard for each worker.
    """
    seen = set()

    def fits(how):
        def fit(task, **_):
            seen.add((how, len(task.shards)))
            return fit_network(task)

        return fit

    monkeypatch.setattr(recipes, "SHARED_FROM", shared_from)
    monkeypatch.setattr(recipes, "fit_members", fits("side by side"))
    monkeypatch.setattr(recipes, "fit_network", fits("sharing rows"))
    monkeypatch.setattr(recipes, "default_config", lambda _model, **_: SMALL_NETWORK)
    recipes.train_model(FAILURE_PREDICTOR, builds(400), setting, workers=Workers(count=2), seed=1)

    assert seen == {(called, shards)}
