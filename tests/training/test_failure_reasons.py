"""Reasons of a network that was really trained, on a history in which branches stay broken."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from features.build_state import BuildState
from models.failure_predictor import FailurePredictor
from tests.factories import finished, queued, stored
from tests.features.asking import fold
from training.config import NetworkConfig
from training.failure_predictor import learn
from training.fit_here import fit_network_here
from training.recipe import Setting
from training.replay import of_builds

BRANCHES = [f"topic-{i}" for i in range(12)]
BUILDS = 800
HOUR_S = 3_600.0


def builds_of_sticky_branches(n):
    """Builds an hour apart; a broken branch fails 95 % of the time, a sound one 4 %."""
    rng = np.random.default_rng(11)
    broken = dict.fromkeys(BRANCHES, False)
    for i in range(n):
        branch = BRANCHES[rng.integers(len(BRANCHES))]
        broken[branch] ^= bool(rng.random() < 0.15)
        fails = rng.random() < (0.95 if broken[branch] else 0.04)
        build = queued(str(i), at_s=HOUR_S * i, branch=branch)
        yield finished(build, status="failed" if fails else "passed")


@pytest.fixture(name="trained", scope="module")
def _trained(tmp_path_factory):
    """The predictor, and the state of the project it has learned from."""
    events = list(stored(builds_of_sticky_branches(BUILDS)))
    setting = Setting(
        folder=tmp_path_factory.mktemp("shards"),
        shards=1,
        needed=50,
        now=datetime(2026, 1, 1, tzinfo=UTC),
        code_version="test",
        groups=BuildState.groups,
        on_stage=lambda _stage: None,
    )
    config = NetworkConfig(hidden=(16,), members=3)
    learned = learn(of_builds("shop", events), config, setting, fit=fit_network_here)
    return FailurePredictor.load(learned.bundle, BuildState.names), fold(BuildState(), events)


def rows_of(state, outcomes):
    """The row of a build on a branch whose last builds ended as *outcomes* say."""
    last, branch = state.as_of, BRANCHES[0]
    builds = [
        finished(queued(f"new-{i}", at_s=HOUR_S * (BUILDS + i), branch=branch), status=status)
        for i, status in enumerate(outcomes)
    ]
    copy = BuildState.thaw(state.freeze())
    for event in stored(builds):
        copy.update(replace(event, sequence=last + event.sequence))
    return copy.read(queued("asked", at_s=HOUR_S * (BUILDS + len(outcomes)), branch=branch))


def test_removing_the_top_reasons_cause_moves_the_score_as_claimed(trained):
    """
    With the branch's failures out of the row the probability falls by the claimed share or more.

    A reason's weight is the mean of what its group adds over orderings of the groups. Other groups
    see the same failures, so taking one group out of the whole row need not move the score by just
    that; the promise is the direction, and the size within a factor of two.
    """
    predictor, state = trained
    row = rows_of(state, ["passed", "failed", "failed", "failed"])
    effects = predictor.explain(row)
    top = max(effects, key=lambda group: effects[group])

    without = row.copy()
    columns = [BuildState.names.index(name) for name in BuildState.groups[top]]
    without[columns] = predictor.manifest.baseline_row[columns]
    said, said_without = predictor.predict(np.stack([row, without]))

    assert top == "branch_outcomes"
    assert effects[top] > 0.1
    assert effects[top] / 2 < said - said_without < effects[top] * 2


def test_a_group_that_equals_the_typical_build_is_no_reason(trained):
    """
    Once a group says what it says of a typical build, nothing is claimed of it any more.
    """
    predictor, state = trained
    row = rows_of(state, ["failed", "failed", "failed"])
    columns = [BuildState.names.index(name) for name in BuildState.groups["branch_outcomes"]]
    row[columns] = predictor.manifest.baseline_row[columns]

    assert predictor.explain(row)["branch_outcomes"] == 0.0


def test_the_cause_itself_moves_the_score(trained):
    """
    The same build on a branch that passed instead of failing three times is the safer one.
    """
    predictor, state = trained
    broken = rows_of(state, ["passed", "failed", "failed", "failed"])
    sound = rows_of(state, ["passed"] * 4)

    risky, safe = predictor.predict(np.stack([broken, sound]))
    assert risky > 0.5 > safe
