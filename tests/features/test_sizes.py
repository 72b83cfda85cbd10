"""What a state says it takes, beside what it really takes."""

import gc
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.serving import projects
from features.build_state import BuildState
from features.sizes import size_of
from features.verdict_state import TestState
from tests.features.asking import fold

SHARED = 30_000
"""Bytes that are there before the state, such as small numbers and names of features."""
KINDS = pytest.mark.parametrize("kind", [BuildState, TestState])


def allocated(make):
    """Return what *make* returns, and how many bytes are allocated more than before.

    The lesser of two, as caches that fill at the same time are nobody's.
    """
    found = [_traced(make) for _ in range(2)]
    return found[-1][0], min(size for _, size in found)


def _traced(make):
    gc.collect()
    tracemalloc.start()
    try:
        made = make()
        gc.collect()
        return made, tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@KINDS
@given(st.integers(1, 800), st.integers(1, 8), st.integers(0, 9))
@settings(max_examples=5, deadline=None)
def test_a_state_knows_its_size(kind, tests, builds, seed):
    """
    Folded or thawed, a state takes what it says, within a quarter.
    """
    events = list(projects.events(tests, builds, seed=seed))
    state, folded = allocated(lambda: fold(kind(), events))
    body = state.freeze()
    back, thawed = allocated(lambda: kind.thaw(body))

    assert folded == pytest.approx(state.nbytes(), rel=0.25, abs=SHARED)
    assert thawed == pytest.approx(back.nbytes(), rel=0.25, abs=SHARED)


def test_a_row_weighs_what_its_numbers_take():
    """
    Hundreds of rows are a large part of a state, so none of them may be a view of what is hidden.
    """
    events = list(projects.events(1, 3, seed=1))
    row = fold(BuildState(), events).read(events[0].build)

    assert size_of(row) > row.nbytes


def test_what_is_held_twice_counts_once():
    """
    Arrays and strings that several parts share, and views of one array, are counted once.
    """
    rates = np.zeros(10_000)
    parts = {"all": rates, "again": rates, "some": rates[:10], "more": [rates[10:], rates[20:]]}

    assert 80_000 < size_of(parts) < 82_000


def test_a_project_of_5_000_tests_takes_five_mebibytes_at_most():
    """
    So 200 of them, and what the watcher keeps, fit into 1 GiB.
    """
    state = fold(TestState(), projects.events(5_000, 10, seed=1))

    assert TestState.thaw(state.freeze()).nbytes() < state.nbytes() * 1.1
    assert state.nbytes() < 5 * 2**20
