"""Walks over made-up reports: what is known when, and how tests are ranked until then."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from devmind.errors import UnlearnableHistory
from evaluation.rankings import FAIR, RULES, TARGETS, walk_rankings
from features.verdict_state import TestState
from tests.training.builders import examples
from training.config import ForestConfig
from training.examples import concatenate
from training.fit_here import fit_forest_here
from training.forest_rows import STRANGERS
from training.intelligence import learn
from training.recipe import Setting

FIRST, STEP, CYCLES, TESTS = 20, 10, 50, 8


def reports(project="shop", *, seed=0, shift_s=0.0):
    rng = np.random.default_rng(seed)
    n = CYCLES * TESTS
    rows = rng.random((n, len(TestState.names))).astype(np.float32)
    rows[rng.random(n) < 0.1, TestState.names.index("runs")] = 0
    sequence = np.repeat(np.arange(1, 3 * CYCLES, 3), TESTS)
    found = examples(
        project=project,
        sequence=sequence,
        known_at=sequence + 1,
        rows=rows,
        names=TestState.names,
        duration_s=rng.lognormal(size=n),
        failed=rng.random(n) < 0.5 * rows[:, TestState.names.index("fail_ewma_h10")],
        test=np.tile(np.arange(TESTS), CYCLES),
    )
    return replace(found, queued_at=found.queued_at + shift_s)


@pytest.fixture(name="learned")
def _learned(tmp_path):
    setting = Setting(
        folder=tmp_path,
        shards=1,
        needed=1,
        now=datetime(2026, 1, 1, tzinfo=UTC),
        code_version="test",
        groups={},
        on_stage=lambda _stage: None,
    )
    config = ForestConfig(trees=5, calibration_trees=3, min_samples_leaf=5, row_share=0.5)
    return lambda known: learn(known, config, setting, fit=fit_forest_here)


def walk(rows, learn_from, *, others=True):
    found = walk_rankings(
        rows,
        projects=("shop",),
        learn=learn_from,
        cadence=lambda _: STEP,
        first=FIRST,
        others=others,
    )
    return found[0].builds


def impossible(_known):
    raise UnlearnableHistory("test_intelligence", "there is nothing to tell apart")


def test_a_refit_knows_what_had_been_reported_by_then(learned):
    """
    Own rows are those reported before the next build was queued, others' those of builds that
    had ended by the clock, as strangers'.
    """
    seen = []
    rows = concatenate([reports("bank", seed=1, shift_s=600.0), reports()])

    def spy(known):
        seen.append(known)
        return learned(known)

    builds = walk(rows, spy)

    assert len(builds) == CYCLES - FIRST
    assert len(seen) == (CYCLES - FIRST) / STEP
    for number, known in enumerate(seen):
        own = known.project == "shop"
        assert len(np.unique(known.sequence[own])) == FIRST + STEP * number
        assert set(known.project[~own]) == {STRANGERS}
        ended = known.queued_at[~own] + known.duration_s[~own]
        assert ended.max() < builds[STEP * number].queued_at
    assert [len(np.unique(k.project)) for k in seen] == [2] * len(seen)


def test_later_outcomes_change_nothing_said_before(learned):
    """
    Turning all verdicts after a build changes no probability and no subset up to it.
    """
    rows = reports()
    turned = replace(rows, failed=rows.failed ^ (rows.sequence >= 3 * 30))
    before, after = (walk(each, learned, others=False) for each in (rows, turned))

    for one, two in zip(before[:10], after[:10], strict=True):
        np.testing.assert_array_equal(one.probability, two.probability)
        for target in TARGETS:
            np.testing.assert_array_equal(one.selected[target], two.selected[target])
    assert any((a.probability != b.probability).any() for a, b in zip(before, after, strict=True))


def test_until_a_model_can_be_learned_everything_runs():
    """
    Tests are ranked by their failure rate then, and every subset is all tests, with the reason.
    """
    for build in walk(reports(), impossible):
        np.testing.assert_array_equal(build.probability, build.baselines["failure_rate" + FAIR])
        assert all(chosen.all() for chosen in build.selected.values())
        assert set(build.run_all.values()) == {"no model could be learned yet"}


def test_rules_as_published_rank_newcomers_last():
    """
    A test that never ran scores 0 as published; the fair variant keeps what is known of it.
    """
    rows = reports()
    new = (rows.column("runs") == 0)[rows.sequence >= 1 + 3 * FIRST]
    builds = walk(rows, impossible)

    for rule in RULES:
        published = np.concatenate([build.baselines[rule] for build in builds])
        fair = np.concatenate([build.baselines[rule + FAIR] for build in builds])
        assert (published[new] == 0).all()
        assert (fair[new] > 0).any()
        np.testing.assert_array_equal(published[~new], fair[~new])


def test_new_tests_are_in_every_subset(learned):
    """
    Whatever the target, a test that never ran is run.
    """
    rows = reports()
    new = (rows.column("runs") == 0)[rows.sequence >= 1 + 3 * FIRST]

    for target in TARGETS:
        chosen = np.concatenate([b.selected[target] for b in walk(rows, learned)])
        assert chosen[new].all()
