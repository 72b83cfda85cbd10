from dataclasses import replace

import numpy as np
import pytest

from evaluation.blocks import Block, newest_share
from evaluation.failures import leave_one_out, walk_failures
from features.recent_outcomes import RecentOutcomes
from models.failure_predictor import FailurePredictor, files
from models.network import fit_grid
from tests.models.examples import manifest
from tests.training.builders import random_builds
from training.examples import concatenate
from training.failure_predictor import predict_in_turn
from training.recipe import Learned, learned_until

NAMES = (
    "pipeline_last_failed",
    "signal",
    "project_failure_rate_ewma",
    "pipeline_failure_rate_ewma",
    "branch_last_failed",
    "branch_failure_rate_ewma",
)


def history(project, *, seed, n=120):
    """Builds whose second column tells whether they fail, outcomes known four builds later."""
    found = random_builds(n, seed=seed, project=project, features=len(NAMES))
    rows = found.rows.copy()
    rows[:, 0] = np.arange(n) % 2
    return replace(found, names=NAMES, rows=rows, known_at=found.sequence + 8)


def learner(seen):
    """A recipe that notes what it was given and returns a fixed little network."""

    def learn(known):
        seen.append(known)
        rng = np.random.default_rng(0)
        state = {"0.weight": rng.normal(size=(1, 2 * len(NAMES))), "0.bias": np.zeros(1)}
        says = manifest(
            "failure_predictor",
            NAMES,
            calibration={"base_rate": 0.2},
            thresholds={"medium": 0.3, "high": 0.6},
            learned_until=learned_until(known),
        )
        return Learned(manifest=says, files=files(fit_grid(known.rows), [state]))

    return learn


def test_only_what_was_known_is_learned_from():
    """
    A block's model gets its known rows, and each project's answer lists its asked builds.
    """
    builds = concatenate([history("a", seed=1), history("b", seed=2)])
    block, seen = newest_share(builds, 0.25), []

    found = walk_failures(builds, [block], learner(seen))

    assert [f.project for f in found] == ["a", "b"]
    assert [len(f.failed) for f in found] == [30, 30]
    assert (seen[0].sequence == builds.sequence[block.known]).all()
    assert found[0].threshold == 0.6
    assert set(found[0].baselines) == set(found[0].thresholds) >= {"rolling_rate"}
    np.testing.assert_array_equal(found[0].previous_failed, np.arange(90, 120) % 2)


def test_blocks_of_a_project_are_joined_in_order():
    """
    Two refits answer together for the builds that each was asked for.
    """
    builds = history("a", seed=1)
    number = np.arange(len(builds))
    blocks = [
        Block(known=number < start - 4, asked=(number >= start) & (number < start + 20))
        for start in (80, 100)
    ]

    (found,) = walk_failures(builds, blocks, learner([]))

    np.testing.assert_array_equal(found.failed, builds.failed[80:])
    np.testing.assert_array_equal(found.queued_at, builds.queued_at[80:])
    assert all(len(said) == 40 for said in found.baselines.values())


@pytest.mark.parametrize("turned", [100, 105, 110])
def test_outcomes_change_no_prediction_made_before_they_were_known(turned):
    """
    When everything begins to fail, earlier predictions stay, and later ones rise once it is no
    longer chance.
    """
    builds = history("a", seed=3)
    block = newest_share(builds, 0.25)
    failed = builds.failed.copy()
    failed[90 : turned + 1] = True

    (one,) = walk_failures(builds, [block], learner([]))
    (two,) = walk_failures(replace(builds, failed=failed), [block], learner([]))

    early = builds.sequence[90:] <= builds.known_at[90]
    late = builds.sequence[90:] > builds.known_at[turned]
    np.testing.assert_array_equal(one.probability[early], two.probability[early])
    assert (one.probability[late] <= two.probability[late]).all()
    assert (one.probability[late] < two.probability[late]).any()


def test_a_build_is_predicted_as_by_a_service():
    """
    What is said in turn is what `predict` says with the running correction of that moment.
    """
    builds = history("a", seed=4)
    block, learned = newest_share(builds, 0.25), learner([])
    predictor = FailurePredictor.load(learned(builds.where(block.known)).bundle, NAMES)
    said = predict_in_turn(predictor, builds, block.asked)
    for place in (90, 101, 119):
        ended = builds.where(builds.known_at < builds.sequence[place])
        recent = RecentOutcomes(
            rows=ended.rows,
            sequence=ended.sequence,
            known_at=ended.known_at,
            duration_s=ended.duration_s,
            failed=ended.failed,
            pipeline=np.full(len(ended), "ci", dtype=object),
        )
        running = predictor.running("a", recent)
        expected = predictor.predict(builds.rows[place : place + 1], running=running)
        assert said[place - 90] == pytest.approx(expected[0], abs=1e-12)


def test_a_project_left_out_was_never_learned_from():
    """
    Each project is predicted by a model of the others; its own builds only correct it.
    """
    builds = concatenate([history(name, seed=i) for i, name in enumerate("abc")])
    seen = []

    found = leave_one_out(builds, learner(seen))

    assert [f.project for f in found] == ["a", "b", "c"]
    assert [len(f.failed) for f in found] == [60, 60, 60]
    for own, known in zip("abc", seen, strict=True):
        assert own not in known.projects
        assert len(known.projects) == 2
