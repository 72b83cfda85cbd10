"""Folds histories and asks for a row by the names of its columns."""

import numpy as np

from features.build_state import BuildState
from features.verdict_state import TestState
from tests.factories import stored


def fold(state, events):
    """Return *state* after *events*."""
    for event in events:
        state.update(event)
    return state


def build_row(builds, build):
    """Return the row for *build* after all of *builds*, by name."""
    state = fold(BuildState(), stored(builds))
    return dict(zip(state.names, state.read(build).tolist(), strict=True))


def asked(builds, build, *names):
    """Return the named columns of `build_row`."""
    row = build_row(builds, build)
    return [row[name] for name in names]


def test_columns(builds, build, *names):
    """Return the named columns for all known tests, by test: {test: [values]}."""
    state = fold(TestState(), stored(builds))
    tests = np.arange(len(state.tests), dtype=np.int32)
    rows = state.read(build, tests)
    columns = [state.names.index(name) for name in names]
    return {state.tests.name(n): rows[n, columns].tolist() for n in tests.tolist()}


test_columns.__test__ = False
