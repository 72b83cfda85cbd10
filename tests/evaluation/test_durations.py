"""Walking through durations, with boosters that are fitted in this process."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from evaluation.blocks import Block
from evaluation.durations import walk_durations
from features.recent_outcomes import RecentOutcomes
from models.build_optimizer import BuildOptimizer
from models.metrics import coverage
from models.running_interval import running_interval
from tests.factories import finished, queued, stored
from training import build_optimizer
from training.config import BoostingConfig
from training.durations_in_order import predict_in_order
from training.examples import concatenate
from training.fit_here import fit_quantiles_here
from training.recipe import Setting
from training.replay import of_builds

BUILDS, JUMP = 260, 150
"""Builds of a project, and the first that has the new step."""


def series(project, *, seed, step_s=0.0, builds=BUILDS):
    """Builds of five minutes, which a new step makes slower; every ninth fails at once."""
    rng = np.random.default_rng(seed)
    kinds = rng.random(builds) < 0.5
    found = []
    for i in range(builds):
        usual_s = 300.0 + (100.0 if kinds[i] else 0.0) + (step_s if i >= JUMP else 0.0)
        build = queued(
            f"{project}{i}",
            project=project,
            at_s=500.0 * i,
            files=["src/a.py"] if kinds[i] else ["README.md"],
        )
        status = "failed" if i % 9 == 8 else "passed"
        seconds = 20.0 if status == "failed" else usual_s * np.exp(0.1 * rng.normal())
        found.append(finished(build, status=status, duration_s=round(seconds, 1)))
    return of_builds(project, stored(found))


@pytest.fixture(name="learn", scope="module")
def _learn(tmp_path_factory):
    setting = Setting(
        folder=tmp_path_factory.mktemp("shards"),
        shards=1,
        needed=50,
        now=datetime(2026, 1, 1, tzinfo=UTC),
        code_version="test",
        groups={},
        on_stage=lambda _stage: None,
    )
    config = BoostingConfig(rounds=40, learning_rate=0.15, own_from=110)
    return lambda known: build_optimizer.learn(known, config, setting, fit=fit_quantiles_here)


@pytest.fixture(name="examples", scope="module")
def _examples():
    return concatenate([series("bank", seed=1, step_s=240.0), series("shop", seed=2, builds=120)])


@pytest.fixture(name="block", scope="module")
def _block(examples):
    """All builds from the new step on are asked for; the model knows only those before."""
    first = examples.sequence[np.flatnonzero(examples.project == "bank")[JUMP]]
    bank = np.asarray(examples.project == "bank")
    known = np.where(bank, examples.known_at < first, examples.sequence < 160)
    return Block(known=known, asked=~known & (examples.sequence >= np.where(bank, first, 160)))


@pytest.fixture(name="walked", scope="module")
def _walked(examples, block, learn):
    return walk_durations(examples, [block], learn)


@pytest.fixture(name="model", scope="module")
def _model(examples, block, learn):
    return BuildOptimizer.load(learn(examples.where(block.known)).bundle, examples.names)


def test_coverage_recovers_within_30_builds_of_a_new_slow_step(walked):
    """
    A step that adds most of a build's time surprises a model that never saw it; from the 30th
    build on its 80 % interval covers 70 to 90 % again, without being refitted, and its median is
    no further off than before.
    """
    bank, shop = walked
    low, middle, high = bank.quantiles_s.T
    off = np.abs(np.log(bank.actual_s / middle))

    assert coverage(bank.actual_s[:4], low[:4], high[:4]) <= 0.5
    assert 0.7 <= coverage(bank.actual_s[30:], low[30:], high[30:]) <= 0.9
    assert np.median(off[30:]) < 0.12
    assert np.median((high - low)[30:] / middle[30:]) < 0.6
    assert (bank.project, shop.project) == ("bank", "shop")


def test_failed_builds_are_not_asked_for(examples, block, walked):
    """
    Durations are of builds that passed: actual ones, predictions and rules lie side by side.
    """
    bank = walked[0]
    asked = block.asked & ~examples.failed & (examples.project == "bank")

    np.testing.assert_array_equal(bank.actual_s, examples.duration_s[asked])
    last = examples.column("pipeline_last_s")[asked]
    np.testing.assert_array_equal(bank.baselines_s["last_run"], last)
    assert set(bank.baselines_s) == {"last_run", "mean_of_7", "median_of_7"}
    assert (np.diff(bank.quantiles_s, axis=1) >= 0).all()
    assert np.isfinite(bank.mean_s).all()
    place = np.flatnonzero(asked)
    np.testing.assert_array_equal(bank.age_builds, place - place[0])


def test_what_happened_later_changes_nothing_before(examples, block, model):
    """
    Other durations of all builds that finish after an event leave predictions before it alone.
    """
    asked = block.asked & ~examples.failed
    half = int(np.median(examples.sequence[asked]))
    other = replace(
        examples, duration_s=np.where(examples.known_at > half, 7.0, examples.duration_s)
    )

    one, two = (predict_in_order(model, rows, asked) for rows in (examples, other))

    early = examples.sequence[asked] <= half
    np.testing.assert_array_equal(one.quantiles_s[early], two.quantiles_s[early])
    assert (one.quantiles_s[~early] != two.quantiles_s[~early]).any()


@pytest.mark.parametrize("place", [0, 7, 60, -1])
def test_an_evaluation_says_what_a_replica_says(examples, block, model, place):
    """
    Prediction in order equals that of a replica which holds the newest outcomes of the project.
    """
    asked = np.flatnonzero(block.asked & ~examples.failed & (examples.project == "bank"))
    row = asked[place]
    now = examples.sequence[row]
    done = np.flatnonzero((examples.project == "bank") & (examples.known_at < now))
    done = done[np.argsort(examples.known_at[done])][-200:]
    held = RecentOutcomes(
        rows=examples.rows[done],
        sequence=examples.sequence[done],
        known_at=examples.known_at[done],
        duration_s=examples.duration_s[done],
        failed=examples.failed[done],
        pipeline=np.array([""] * len(done), dtype=object),
    )
    mask = np.arange(len(examples)) == row

    walked = predict_in_order(model, examples, mask)

    running = running_interval(model, held, "bank")
    rows = examples.rows[row : row + 1]
    np.testing.assert_allclose(walked.quantiles_s, model.predict(rows, running=running))
    np.testing.assert_allclose(walked.mean_s, model.mean_s(rows, running=running))


def test_a_block_with_too_little_to_learn_from_is_left_out(examples, learn):
    """
    Where a service would abstain nothing is counted, and later blocks are.
    """
    young = Block(known=examples.sequence < 20, asked=np.asarray(examples.sequence == 21))

    assert walk_durations(examples, [young], learn) == []
