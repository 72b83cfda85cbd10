import io
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from devmind.errors import CorruptBundle
from models.bundle import read_bundle, write_bundle
from models.forest import FlatForest, flatten, from_bytes, to_bytes
from models.intelligence import FOREST, TestIntelligence, files
from tests.models.examples import manifest

K = 4
NAMES = tuple("abcd")


def fitted(seed, *, gaps=0.2, trees=10, depth=None, kind=RandomForestClassifier):
    n, rng = 150, np.random.default_rng(seed)
    rows = rng.normal(size=(n, K)).astype(np.float32)
    rows[:, 1] = rng.integers(0, 3, n)
    failed = rows[:, 0] + rng.normal(size=n) > 0.5
    failed[:2] = [True, False]
    rows[rng.random(rows.shape) < gaps] = np.nan
    forest = kind(trees, max_depth=depth, random_state=seed, max_features=2).fit(rows, failed)
    return forest, rows


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    gaps=st.sampled_from([0.0, 0.05, 0.5]),
    depth=st.sampled_from([None, 1, 6]),
    kind=st.sampled_from([RandomForestClassifier, ExtraTreesClassifier]),
    new_gaps=st.sampled_from([0.0, 0.3]),
)
def test_flat_arrays_say_what_the_forest_says(seed, gaps, depth, kind, new_gaps):
    """
    Served probabilities equal scikit-learn's within 1e-6, with missing values, for any forest.
    """
    forest, seen = fitted(seed, gaps=gaps, depth=depth, kind=kind)
    rng = np.random.default_rng(seed + 1)
    rows = np.concatenate([seen, rng.normal(size=(50, K)).astype(np.float32)])
    if gaps:
        rows[rng.random(rows.shape) < new_gaps] = np.nan

    flat = FlatForest(from_bytes(to_bytes(flatten(forest))), features=K)

    np.testing.assert_allclose(
        flat.predict(rows), forest.predict_proba(rows)[:, 1], atol=1e-6, rtol=0
    )


def test_values_on_a_threshold_go_the_same_way():
    """
    A float32 that equals or neighbours a split's threshold falls on scikit-learn's side.
    """
    forest, _ = fitted(3, gaps=0.0, trees=20)
    thresholds = np.concatenate([each.tree_.threshold for each in forest.estimators_])
    near = thresholds[thresholds > -2].astype(np.float32)
    edges = np.concatenate(
        [near, np.nextafter(near, np.float32(9)), np.nextafter(near, np.float32(-9))]
    )
    rows = np.repeat(edges[:, None], K, axis=1)

    flat = FlatForest(flatten(forest), features=K)

    np.testing.assert_allclose(flat.predict(rows), forest.predict_proba(rows)[:, 1], atol=1e-12)


def test_many_rows_are_scored_as_few():
    """
    Scoring in chunks changes nothing.
    """
    forest, _ = fitted(0, trees=50)
    rows = np.random.default_rng(0).normal(size=(9000, K)).astype(np.float32)
    flat = FlatForest(flatten(forest), features=K)

    np.testing.assert_array_equal(flat.predict(rows)[5000:5010], flat.predict(rows[5000:5010]))


def test_the_file_is_reproducible():
    """
    Equal forests give equal bytes, so that equal bundles have equal hashes.
    """
    assert files(fitted(1)[0].estimators_) == files(fitted(1)[0].estimators_)


def test_one_class_is_no_forest():
    """
    A forest that saw no failure cannot be flattened.
    """
    rows = np.zeros((10, K))
    forest = RandomForestClassifier(3).fit(rows, np.zeros(10, dtype=bool))

    with pytest.raises(ValueError, match="False and True"):
        flatten(forest)
    with pytest.raises(ValueError, match="False and True"):
        files(forest.estimators_)
    with pytest.raises(ValueError, match="False and True"):
        files([])


class Evil:
    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


def npz(**arrays):
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def damaged(**change):
    return npz(**{**flatten(fitted(1)[0]), **change})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no archive",
        pickle.dumps(Evil()),
        npz(feature=np.array([Evil()], dtype=object)),
        npz(feature=np.zeros(3, np.int32)),
        damaged(left=np.full(10_000, 5, np.int32)),
        damaged(roots=np.array([10**6], np.int32)),
        damaged(roots=np.array([-1], np.int32)),
        damaged(depth=np.array([2**31 - 1], np.int32)),
        damaged(value=np.array(["a"])),
    ],
)
def test_a_file_that_is_no_forest_is_a_corrupt_bundle(tmp_path, body):
    """
    Nothing is unpickled and no index is followed outside, whatever is in the file.
    """
    folder = write_bundle(tmp_path / "b", manifest("test_intelligence", NAMES), {FOREST: body})

    with pytest.raises(CorruptBundle, match="does not hold a forest"):
        TestIntelligence.load(read_bundle(folder), NAMES)


@pytest.mark.parametrize("calibration", [{}, {"platt_a": 2.0, "platt_b": -1.0}])
def test_calibration_keeps_the_order(tmp_path, calibration):
    """
    Calibrated or not, the predictor of a bundle ranks tests as the forest does.
    """
    forest, rows = fitted(5, trees=30)
    folder = write_bundle(
        tmp_path / "b",
        manifest("test_intelligence", NAMES, calibration=calibration),
        files(forest.estimators_),
    )

    said = TestIntelligence.load(read_bundle(folder), NAMES).predict(rows)

    share = forest.predict_proba(rows)[:, 1]
    assert ((said >= 0) & (said <= 1)).all()
    assert (np.diff(said[np.argsort(share)]) >= -1e-9).all()
