"""The newest finished builds that a state keeps with their rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from devmind.errors import UnusableSnapshot
from features.build_state import BuildState
from features.frozen import pack, unpack
from features.recent_outcomes import BUILDS
from features.replay import replay_builds
from tests.features.asking import fold
from tests.features.histories import event_lists


@given(event_lists())
def test_recent_outcomes_are_the_newest_examples(events):
    """
    The kept builds are those of replay, with the same rows and outcomes, in order of finishing.
    """
    state = BuildState()
    examples = replay_builds(events, state=state)
    kept = state.outcomes
    by_sequence = {int(s): i for i, s in enumerate(examples.sequence)}
    places = [by_sequence[int(s)] for s in kept.sequence]

    assert len(kept) == min(len(examples), BUILDS)
    assert np.array_equal(kept.rows, examples.rows[places], equal_nan=True)
    assert kept.failed.tolist() == examples.failed[places].tolist()
    assert kept.duration_s.tolist() == examples.duration_s[places].tolist()
    assert (np.diff(kept.known_at) > 0).all()


@given(event_lists())
def test_recent_outcomes_survive_a_snapshot(events):
    """
    A thawed state has the outcomes of the frozen one.
    """
    state = fold(BuildState(), events)
    thawed = BuildState.thaw(state.freeze())

    assert np.array_equal(thawed.outcomes.rows, state.outcomes.rows, equal_nan=True)
    assert thawed.outcomes.pipeline.tolist() == state.outcomes.pipeline.tolist()
    assert thawed.freeze() == state.freeze()


def test_a_snapshot_with_rows_of_another_width_is_refused():
    """
    Rows that do not fit the columns make a snapshot unusable.
    """
    tree = unpack(BuildState().freeze())
    tree["outcomes"][0] = np.zeros((0, 3), dtype=np.float32)

    with pytest.raises(UnusableSnapshot):
        BuildState.thaw(pack(tree))
