from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.build_optimizer import BuildOptimizer
from models.failure_predictor import FailurePredictor
from models.network import Network, fit_grid, parameter_names
from models.reasons import attribute, attribute_mixtures, columns_of
from tests.models.examples import manifest

FEATURES = tuple("abcdef")
GROUPS = {"one": ("a",), "two": ("b", "c"), "three": ("d", "e")}


def curved(rows):
    return np.nan_to_num(rows[:, 0] * rows[:, 1]) + np.sin(rows[:, 3]) * rows[:, 5]


rows = st.lists(st.floats(-3, 3), min_size=6, max_size=6).map(np.array)


@given(rows, rows, st.integers(1, 9), st.integers(0, 5))
def test_parts_add_up(row, baseline, orderings, seed):
    """
    However few orderings are drawn, the parts add up to the difference from a typical build.
    """
    effects = attribute(
        curved, row, baseline, columns_of(FEATURES, GROUPS), orderings=orderings, seed=seed
    )

    expected = curved(row[None])[0] - curved(baseline[None])[0]
    assert sum(effects.values()) == pytest.approx(expected, abs=1e-9)
    assert list(effects) == ["one", "two", "three", "other"]


@given(rows, rows)
def test_with_enough_orderings_they_are_exact(row, baseline):
    """
    When all orderings fit, the parts are Shapley values by definition.
    """
    columns = columns_of(FEATURES, GROUPS)
    exact = dict.fromkeys(columns, 0.0)
    for order in permutations(columns):
        now = baseline.copy()
        for group in order:
            then = now.copy()
            then[columns[group]] = row[columns[group]]
            exact[group] += (curved(then[None])[0] - curved(now[None])[0]) / 24
            now = then

    effects = attribute(curved, row, baseline, columns, orderings=24)

    assert effects == pytest.approx(exact, abs=1e-9)


def test_what_is_as_usual_has_no_part():
    """
    A group that equals the baseline, unknowns included, moved nothing.
    """
    row = np.array([np.nan, 1.0, 2.0, 1.0, 1.0, 1.0])
    baseline = np.array([np.nan, 1.0, 2.0, 0.0, 0.0, 1.0])

    effects = attribute(curved, row, baseline, columns_of(FEATURES, GROUPS))

    assert (effects["one"], effects["two"], effects["other"]) == (0.0, 0.0, 0.0)
    assert attribute(curved, row, row, columns_of(FEATURES, GROUPS))["three"] == 0.0


def test_equal_seeds_give_equal_parts():
    """
    The same question gets the same answer.
    """
    groups = {name: (name,) for name in FEATURES}
    row, baseline = np.arange(6.0), np.ones(6)
    once, again = (
        attribute(curved, row, baseline, columns_of(FEATURES, groups), orderings=4, seed=3)
        for _ in range(2)
    )

    assert once == again


@pytest.mark.parametrize("groups", [{"x": ("unknown",)}, {"x": ("a",), "y": ("a",)}])
def test_groups_must_divide_the_features(groups):
    """
    A group of features that are not there, or in two groups, is refused.
    """
    with pytest.raises(ValueError, match="unknown features"):
        columns_of(FEATURES, groups)


@given(rows, rows, st.integers(1, 20))
def test_mixtures_are_explained_as_rows_are(row, baseline, orderings):
    """
    A score that shares sums between rows gets the parts that it would get row by row.
    """

    def score(rows):
        return np.tanh(rows.sum(axis=1)) + rows[:, 0] * rows[:, 5]

    columns = columns_of(FEATURES, GROUPS)

    by_rows = attribute(score, row, baseline, columns, orderings=orderings)
    by_sums = attribute_mixtures(
        lambda start, steps, taken: score(start + taken @ steps),
        row,
        baseline,
        columns,
        orderings=orderings,
    )

    assert by_sums == pytest.approx(by_rows, abs=1e-9)


def test_no_row_is_scored_twice():
    """
    Sets of groups that several orderings pass through are scored once.
    """
    asked = []

    def score(rows):
        asked.append(rows)
        return rows.sum(axis=1)

    attribute(score, np.ones(6), np.zeros(6), columns_of(FEATURES, GROUPS), orderings=64)

    (rows,) = asked
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_features_of_no_group_are_not_lost():
    """
    Features that no group names count as everything else together.
    """
    columns = columns_of(FEATURES, {"other": ("a",), "none": ()})

    assert [list(where) for where in columns.values()] == [[0, 1, 2, 3, 4, 5]]


def failure_predictor():
    rng = np.random.default_rng(0)
    shapes = [(8, 12), (8,), (8,), (8,), (1, 8), (1,)]
    member = {
        name: rng.normal(size=shape) for name, shape in zip(parameter_names(1), shapes, strict=True)
    }
    return FailurePredictor(
        grid=fit_grid(rng.normal(size=(50, 6))),
        network=Network([member]),
        manifest=manifest(
            "failure_predictor",
            FEATURES,
            groups=GROUPS,
            baseline=(0.1, None, 0.0, 0.0, 0.0, 0.0),
            calibration={"base_rate": 0.2},
            thresholds={"medium": 0.3, "high": 0.6},
        ),
    )


def test_a_failure_prediction_is_explained():
    """
    The reasons for a probability add up to it, from the typical build's.
    """
    predictor = failure_predictor()
    row = np.array([1.0, 2.0, np.nan, -1.0, 0.5, 0.0], dtype=np.float32)

    effects = predictor.explain(row)

    said, typical = predictor.predict(np.stack([row, predictor.manifest.baseline_row]))
    assert sum(effects.values()) == pytest.approx(said - typical, abs=1e-6)
    assert effects["other"] == 0.0


class Sum:
    def predict(self, rows):
        middle = np.nan_to_num(rows).sum(axis=1)
        return np.stack([middle - 1, middle, middle + 1], axis=1)


def test_a_duration_is_explained():
    """
    The reasons for a duration add up to its median, in seconds.
    """
    predictor = BuildOptimizer(
        regressor=Sum(), manifest=manifest("build_optimizer", FEATURES, groups=GROUPS)
    )
    row = np.arange(6, dtype=np.float32) / 3

    effects = predictor.explain(row)

    assert sum(effects.values()) == pytest.approx(np.expm1(row.sum()), rel=1e-6)


def test_a_removed_cause_moves_the_score_as_claimed():
    """
    With one group moving, putting it back to usual takes away what it was said to add.
    """
    predictor = failure_predictor()
    baseline = predictor.manifest.baseline_row
    row = baseline.copy()
    row[3:5] = [2.0, -2.0]

    effects = predictor.explain(row)

    moved = predictor.predict(row[None])[0] - predictor.predict(baseline[None])[0]
    assert effects["three"] == pytest.approx(moved, abs=1e-6)
