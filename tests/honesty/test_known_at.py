"""What a feature declares about its inputs, and that it is so."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devmind.ci import FinishedBuild
from devmind.events import in_order_of_time
from features.build_state import BuildState
from features.builds.catalogue import build_features
from features.feature import Feature, KnownAt
from features.verdict_state import TestState
from features.verdicts.counts import Counts
from features.verdicts.durations import TestDurations
from features.verdicts.every import every_feature
from features.verdicts.feature import TestFeature
from tests.features.histories import builds, outcomes, reports
from tests.honesty.histories import finished_builds, read_builds, read_tests

FEATURES = [
    *build_features(),
    *every_feature(Counts(capacity=1), TestDurations(capacity=1), capacity=1),
]


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.names[0])
def test_every_feature_says_when_its_inputs_are_known(feature):
    """
    Each feature of a row declares one of the three moments in its own class, and is known at
    queueing.
    """
    assert declares(type(feature))
    assert feature.known_at in get_args(KnownAt)
    assert feature.known_at == "queued"


@pytest.mark.parametrize("base", [Feature, TestFeature, type(FEATURES[0])])
def test_a_feature_that_says_nothing_is_found(base):
    """
    A class that leaves it to the class it derives from has not declared when it is known.
    """
    silent = type("Silent", (base,), {"names": ("x",), "group": "x"})
    spoken = type("Spoken", (base,), {"names": ("x",), "group": "x", "known_at": "queued"})

    assert not declares(silent)
    assert declares(spoken)


@pytest.mark.parametrize("base", [Feature, TestFeature])
def test_no_moment_is_taken_for_granted(base):
    """
    The protocols give no moment that a silent feature could be taken to mean.
    """
    assert not hasattr(base, "known_at")


@pytest.mark.parametrize("state", [BuildState, TestState])
def test_models_learn_from_what_is_known_at_queueing(state):
    """
    Every column of the rows that models are trained on is declared, as known when queued.
    """
    assert tuple(state.known_at) == state.names
    assert set(state.known_at.values()) == {"queued"}


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(finished_builds(most=6), builds("new"), st.data())
def test_a_build_reads_the_same_whatever_comes_of_it(history, build, data):
    """
    Queued after the same history, a build has the same rows however it ends, and when.
    """
    told = data.draw(reports)
    rows = []
    for _ in range(2):
        ended = FinishedBuild(build=build, outcome=data.draw(outcomes(build)), reports=(told,))
        told = replace(told, runs=tuple(turned(run) for run in told.runs))
        whole = sorted([*history, ended], key=lambda one: one.build.queued_at)
        events = list(in_order_of_time(whole))
        rows.append([own_rows(read(events), build.build_id) for read in (read_builds, read_tests)])

    for one, other in zip(*rows, strict=True):
        for key in one.keys() & other.keys():
            np.testing.assert_array_equal(one[key], other[key])


def declares(cls):
    """Return whether the class *cls* itself says when its inputs are known."""
    return "known_at" in vars(cls)


def turned(run):
    """Return *run* with another duration and, unless it was skipped, the other verdict."""
    opposite = {"passed": "failed", "failed": "passed", "error": "passed"}
    verdict = type(run.verdict)(opposite.get(run.verdict, run.verdict))
    return replace(run, verdict=verdict, duration_s=run.duration_s + 1)


def own_rows(readings, build_id):
    """Return the rows of one build, by what they are about."""
    return {
        about: row
        for (build, about), row in zip(readings.keys, readings.rows, strict=True)
        if build == build_id
    }
