"""Examples that no recipe can learn from, and what is left of a fit that failed."""

from dataclasses import replace

import numpy as np
import pytest

from devmind.errors import InvalidInput, UnreadableSource
from tests.training.builders import random_builds
from training.faults import ours_in, unwrapped
from training.soundness import refuse_impossible

BUILDS = random_builds(50, seed=4)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinite_feature_is_named(value):
    """
    An infinite value is refused with its feature, its project and its build.
    """
    rows = BUILDS.rows.copy()
    rows[7, 3] = value

    with pytest.raises(InvalidInput, match=rf"f3 of shop, sequence 15: got '{value}'"):
        refuse_impossible(replace(BUILDS, rows=rows))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["duration_s", "queued_at"])
def test_an_outcome_that_is_no_number_is_named(name, value):
    """
    A duration or a time that is not a finite number is refused with its build.
    """
    column = getattr(BUILDS, name).copy()
    column[0] = value

    with pytest.raises(InvalidInput, match=f"{name} of shop, sequence 1"):
        refuse_impossible(replace(BUILDS, **{name: column}))


def test_unknown_features_are_fine():
    """
    NaN in a feature means unknown, and is learned from.
    """
    assert np.isnan(BUILDS.rows).any()

    refuse_impossible(BUILDS)


class TaskFailed(Exception):
    """Wraps a cause as Ray's task errors do."""

    def __init__(self, cause):
        super().__init__("traceback")
        self.cause = cause


class WorkersFailed(Exception):
    """Holds the errors of workers as Ray Train's do."""

    def __init__(self, *failures):
        super().__init__("workers")
        self.worker_failures = dict(enumerate(failures))


OURS = UnreadableSource("0001.parquet", "gone", "Train again.")


def chained():
    error = RuntimeError("retries exhausted")
    error.__cause__ = TaskFailed(OURS)
    return error


@pytest.mark.parametrize(
    "error", [OURS, TaskFailed(OURS), WorkersFailed(OSError(), TaskFailed(OURS)), chained()]
)
def test_our_error_is_found_in_what_wraps_it(error):
    """
    A domain error that a worker raised is raised as itself, however Ray hands it on.
    """
    with pytest.raises(UnreadableSource) as found, unwrapped():
        raise error

    assert found.value is OURS


def test_other_errors_stay_as_they_are():
    """
    What is not ours is left alone, even if it is its own cause.
    """
    error = RuntimeError("unexpected")
    error.__cause__ = error

    assert ours_in(error) is None
    with pytest.raises(RuntimeError, match="unexpected"), unwrapped():
        raise error
