"""What test intelligence learns from, with forests grown in this process."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmind.errors import UnlearnableHistory
from features.verdict_state import TestState
from features.verdicts.runs import FLAKY_WEIGHT
from models.intelligence import TestIntelligence
from tests.training.builders import examples
from training.config import ForestConfig, seeds
from training.examples import concatenate
from training.fit_forest import apfd_weights, grow
from training.forest_rows import STRANGERS, rows_for, rows_for_all, taught, telling_builds
from training.intelligence import learn, probabilities
from training.past_rankings import folds, past_builds
from training.recipe import Setting
from training.split import SplitPolicy, older_than

CONFIG = ForestConfig(trees=8, calibration_trees=4, row_share=1.0, own_forest_builds=20)
TESTS = 10


def fit(rows, failed, weight, config):
    return grow(rows, failed, weight, config, seeds(config.seed, config.trees))


def reports(project="shop", *, cycles=60, seed=0, flaky=0.0, fail=0.4):
    """Rows of `TESTS` tests a build; a test that failed lately fails more often."""
    rng = np.random.default_rng(seed)
    n = cycles * TESTS
    rows = rng.random((n, len(TestState.names))).astype(np.float32)
    rows[:, TestState.names.index("flaky_rate")] = flaky
    sequence = np.repeat(np.arange(1, 3 * cycles, 3), TESTS)
    return examples(
        project=project,
        sequence=sequence,
        known_at=sequence + 1,
        rows=rows,
        names=TestState.names,
        failed=rng.random(n) < fail * rows[:, TestState.names.index("fail_ewma_h10")],
        test=np.tile(np.arange(TESTS), cycles),
    )


@pytest.fixture(name="setting")
def _setting(tmp_path):
    return Setting(
        folder=tmp_path,
        shards=1,
        needed=1,
        now=datetime(2026, 1, 1, tzinfo=UTC),
        code_version="test",
        groups={},
        on_stage=lambda _stage: None,
    )


def forests_of(learned):
    names = learned.manifest.features
    return TestIntelligence.load(learned.bundle, names)


def test_long_projects_get_forests_of_their_own(setting):
    """
    A project with few builds shares a forest, a longer one has its own and its own calibration.
    """
    known = concatenate([reports("bank", seed=1), reports("shop"), reports("tiny", cycles=8)])
    learned = learn(known, CONFIG, setting, fit=fit)
    model, rows = forests_of(learned), known.rows[:50]
    said = {p: model.predict(rows, project=p).tolist() for p in ("bank", "shop", "tiny", "")}

    assert said["tiny"] == said[""]
    assert said["bank"] != said["shop"] != said[""]
    assert {"platt_a:bank", "platt_a:shop"} <= set(learned.manifest.calibration)
    assert "platt_a:tiny" not in learned.manifest.calibration
    assert np.isfinite(probabilities(model, known)).all()


def test_strangers_lend_rows_and_nothing_else(setting):
    """
    Rows of strangers change the forest a little, and nothing is measured on them.
    """
    alone = learn(reports(), CONFIG, setting, fit=fit)
    helped = learn(concatenate([reports(), reports(STRANGERS, seed=1)]), CONFIG, setting, fit=fit)

    assert alone.files["forest.npz"] != helped.files["forest.npz"]
    assert set(alone.files) == set(helped.files)
    assert set(alone.manifest.calibration) == set(helped.manifest.calibration)
    measured = [found.manifest.calibration["recall_builds"] for found in (alone, helped)]
    assert measured[0] == measured[1] > 0


def test_nothing_to_tell_apart_is_refused(setting):
    """
    Without a build that has both verdicts there is no order to learn.
    """
    with pytest.raises(UnlearnableHistory, match="both passing and failing"):
        learn(reports(fail=0.0), CONFIG, setting, fit=fit)


def test_a_young_project_is_ranked_before_it_is_calibrated(setting):
    """
    With too few builds to hold any out, tests are ranked, and no recall is promised.
    """
    model = forests_of(learn(reports(cycles=12), CONFIG, setting, fit=fit))

    assert len(set(model.predict(reports(cycles=3, seed=2).rows))) > 1
    assert model.recall_table.builds == 0


def test_flaky_failures_teach_less():
    """
    A failure of a test that is always flaky weighs `FLAKY_WEIGHT`, a passing row what it did.
    """
    steady, flaky = reports(), reports(flaky=1.0)
    ratio = taught(flaky)[steady.failed] / np.maximum(taught(steady)[steady.failed], 1e-12)

    assert ratio[ratio > 0] == pytest.approx(FLAKY_WEIGHT)
    np.testing.assert_array_equal(taught(flaky)[~steady.failed], taught(steady)[~steady.failed])


@given(st.integers(1, 80), st.integers(1, 80), st.floats(0.5, 20), st.integers(1, 500))
def test_others_weigh_as_many_builds_as_they_may(own, other, lent_builds, lent_rows):
    """
    All rows of others together weigh `lent_builds` of a project's own builds, however many.
    """
    known = concatenate(
        [reports("bank", cycles=other, fail=2.0), reports("shop", cycles=own, fail=2.0)]
    )
    config = replace(CONFIG, lent_builds=lent_builds, lent_rows=lent_rows)
    weight = apfd_weights(known.builds(), known.failed)
    builds = telling_builds(known, weight)
    rows = rows_for(known, weight, "shop", config)
    mine = known.project[rows.index] == "shop"

    assert rows.weight.mean() == pytest.approx(1.0)
    assert (~mine).sum() <= lent_rows
    if builds["shop"] and builds["bank"]:
        share = rows.weight[~mine].sum() / rows.weight[mine].sum()
        assert share == pytest.approx(lent_builds / builds["shop"])


def test_a_long_project_does_not_drown_the_others():
    """
    In the forest for all, four times the builds weigh twice as much.
    """
    known = concatenate([reports("a", cycles=80), reports("b", cycles=20)])
    weight = np.ones(len(known))
    rows = rows_for_all(known, weight, ("a", "b"), CONFIG)
    shares = [rows.weight[known.project[rows.index] == p].sum() for p in ("a", "b")]

    assert shares[0] / shares[1] == pytest.approx(2.0)


@given(st.integers(2, 90), st.integers(1, 5), st.sampled_from([0.1, 0.2, 0.5]))
def test_folds_ask_only_for_what_is_newer(cycles, count, share):
    """
    Each build is asked for once at most, after all that the inner model knows.
    """
    policy = SplitPolicy(calibration_share=share, needed=5)
    known = concatenate([reports(cycles=cycles), reports(STRANGERS, cycles=30)])
    found = list(folds(known, policy, count))

    assert np.sum(found, axis=0).max(initial=0) <= 1
    assert bool(found) == (cycles >= policy.needed)
    for asked in found:
        assert (known.project[asked] == "shop").all()
        older = older_than(known, asked) & (known.project == "shop")
        assert older.any()
        assert known.known_at[older].max() < known.sequence[asked].min()


def test_past_builds_are_whole_and_named():
    """
    Recall is measured build by build, with what any subset holds and whose build it is; a failure
    known to be flaky need not be caught.
    """
    known = reports(cycles=5)
    known.rows[3, TestState.names.index("runs")] = 0
    known.failed[:2] = True
    known.flaky[1] = True
    builds = list(past_builds(known, np.linspace(0, 1, len(known))))

    assert [len(build.failed) for build in builds] == [TESTS] * 5
    assert {build.project for build in builds} == {"shop"}
    assert builds[0].always[3]
    assert builds[0].to_catch[0]
    assert not builds[0].to_catch[1]
