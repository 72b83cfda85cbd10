# ruff: noqa: PLR0913, PLR0917 - a case has a recipe, its history, what is altered, knobs and a fit
"""Nothing is chosen on the builds that it is scored on."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from evaluation.blocks import newest_share
from evaluation.failures import walk_failures
from evaluation.rankings import walk_rankings
from features.build_state import BuildState
from features.verdict_state import TestState
from models.build_optimizer import BuildOptimizer
from models.failure_predictor import FailurePredictor
from tests.training.builders import random_builds, random_cycles
from training import build_optimizer, failure_predictor, intelligence
from training.config import BoostingConfig, ForestConfig, NetworkConfig
from training.durations_in_order import predict_in_order
from training.failure_predictor import predict_in_turn
from training.fit_here import fit_forest_here, fit_network_here, fit_quantiles_here
from training.recipe import Setting, draft_bundle
from training.split import SplitPolicy, older_than, split

NETWORK = NetworkConfig(hidden=(4,), members=1, knots=5, epochs=2, least_steps=10)
BOOSTING = BoostingConfig(rounds=8)
FOREST = ForestConfig(trees=4)


@pytest.fixture(name="setting")
def _setting(tmp_path):
    return Setting(
        folder=tmp_path,
        shards=1,
        needed=100,
        now=datetime(2026, 1, 1, tzinfo=UTC),
        code_version="test",
        groups={},
        on_stage=lambda _stage: None,
    )


def overlapping(history):
    """Let each build end while the third one after it runs."""
    return replace(history, known_at=history.sequence + 7)


def builds(n=260):
    """Builds with the product's columns, of which some tell the outcome."""
    names = BuildState.names
    found = replace(random_builds(n, seed=1, features=len(names)), names=names)
    return overlapping(found)


def verdicts():
    """Tests of builds with the product's columns; what failed lately fails more often."""
    names = TestState.names
    found = replace(random_cycles(110, 8, seed=2, features=len(names)), names=names)
    rows = np.abs(found.rows)
    failed = found.failed | (rows[:, names.index("fail_ewma_h3")] > 2)
    return overlapping(replace(found, rows=rows, failed=failed))


def other_durations(history, late):
    """Return *history* with other durations for the rows that *late* chooses."""
    duration_s = np.where(late, 3.0 * history.duration_s + 7.0, history.duration_s)
    return replace(history, duration_s=duration_s)


def otherwise(history, late):
    """Return *history* with the opposite outcomes and other durations where *late* says so."""
    return replace(other_durations(history, late), failed=history.failed ^ late)


def ends_after(history, asked):
    """Return which rows were not known when the first of *asked* was queued."""
    return history.known_at > history.sequence[asked].min()


def passed(history):
    """Return the builds that passed: the others tell nothing of durations."""
    return history.where(~history.failed)


CASES = [
    pytest.param(
        build_optimizer,
        passed(builds()),
        other_durations,
        BOOSTING,
        fit_quantiles_here,
        id="durations",
    ),
    pytest.param(failure_predictor, builds(), otherwise, NETWORK, fit_network_here, id="failures"),
    pytest.param(intelligence, verdicts(), otherwise, FOREST, fit_forest_here, id="tests"),
]


@pytest.mark.parametrize(("recipe", "history", "alter", "config", "fit"), CASES)
def test_the_scored_model_has_not_seen_its_test(recipe, history, alter, config, fit, setting):
    """
    With other outcomes for all that was not known before the first scored build, the scored
    weights, calibration and thresholds are the same; what ships, and the score, are others.
    """
    late = ends_after(history, split(history, SplitPolicy()).test)
    one, other = (
        recipe.train(lived, config, setting, fit=fit) for lived in (history, alter(history, late))
    )
    shipped, scored = draft_bundle(one.manifest, one.files), one.score
    unseen, again = shipped.scored(), draft_bundle(other.manifest, other.files).scored()

    assert 0.15 < late.mean() < 0.3
    assert unseen.files == again.files
    assert unseen.manifest == again.manifest
    assert one.scorecard == scored(shipped).card
    assert one.scorecard.metrics != other.scorecard.metrics
    assert {name: one.files[name] for name in unseen.files} != {
        name: other.files[name] for name in unseen.files
    }


def learn_failures(setting):
    """Return the recipe of failures with small knobs."""

    def learn(known):
        return failure_predictor.learn(known, NETWORK, setting, fit=fit_network_here)

    return learn


def learn_durations(setting):
    """Return the recipe of durations with small knobs."""

    def learn(known):
        return build_optimizer.learn(known, BOOSTING, setting, fit=fit_quantiles_here)

    return learn


def learn_tests(setting):
    """Return the recipe of test intelligence with small knobs."""

    def learn(known):
        return intelligence.learn(known, FOREST, setting, fit=fit_forest_here)

    return learn


def before_any_end(history, block):
    """Return which asked rows were queued before any outcome of *asked* builds was known."""
    ended = history.known_at[ends_after(history, block.asked)].min()
    return history.sequence[block.asked] < ended


def test_an_evaluation_chooses_thresholds_on_older_builds(setting):
    """
    Turning around the outcomes of all builds asked for moves no threshold, neither the model's
    nor a simple rule's, and not what is said of builds queued before one of them had ended.
    """
    history = builds()
    block = newest_share(history, 0.3)
    one, other = (
        walk_failures(h, [block], learn_failures(setting))[0]
        for h in (history, otherwise(history, ends_after(history, block.asked)))
    )
    first = before_any_end(history, block)

    assert one.threshold == other.threshold
    assert one.thresholds == other.thresholds
    assert 0 < first.sum() < len(first)
    np.testing.assert_array_equal(one.probability[first], other.probability[first])
    assert (one.failed != other.failed).all()


def test_an_evaluation_of_tests_chooses_subsets_before_verdicts(setting):
    """
    Probabilities, orders of simple rules and subsets of a block hang on none of its verdicts.
    """
    history = verdicts()
    newest = history.sequence >= history.sequence[len(history) * 4 // 5]
    walk = {"projects": ("shop",), "first": 88, "cadence": lambda _known: 100, "others": False}
    one, other = (
        walk_rankings(h, learn=learn_tests(setting), **walk)[0].builds
        for h in (history, otherwise(history, newest))
    )

    assert len(one) == 22
    for was, now in zip(one, other, strict=True):
        np.testing.assert_array_equal(was.probability, now.probability)
        assert was.selected.keys() == now.selected.keys()
        for target, chosen in was.selected.items():
            np.testing.assert_array_equal(chosen, now.selected[target])
        assert was.run_all == now.run_all
        assert (was.failed != now.failed).all()


def said_of_failures(learned, history, asked):
    """Return the probability of each asked build."""
    predictor = FailurePredictor.load(learned.bundle, history.names)
    return predict_in_turn(predictor, history, asked)


def said_of_durations(learned, history, asked):
    """Return p10, p50, p90 of each asked build."""
    model = BuildOptimizer.load(learned.bundle, history.names)
    return predict_in_order(model, history, asked).quantiles_s


@pytest.mark.parametrize(
    ("learner", "say", "turned"),
    [(learn_failures, said_of_failures, True), (learn_durations, said_of_durations, False)],
)
def test_running_corrections_know_only_what_had_finished(learner, say, turned, setting):
    """
    What is said of a build hangs on no outcome recorded after it was queued.
    """
    history = builds()
    asked = newest_share(history, 0.3).asked
    learned = learner(setting)(history.where(older_than(history, asked)))
    asked &= turned | ~history.failed
    said, changed = say(learned, history, asked), False
    alter = otherwise if turned else other_durations
    for moment in history.sequence[asked][[5, 25, 45]]:
        later = history.known_at > moment
        now = say(learned, alter(history, later), asked)
        before = history.sequence[asked] <= moment
        np.testing.assert_array_equal(said[before], now[before])
        changed = changed or bool((said[~before] != now[~before]).any())

    assert changed
