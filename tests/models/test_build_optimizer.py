import numpy as np
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from devmind.errors import CorruptBundle
from models.build_optimizer import BOOSTER, QUANTILES, BuildOptimizer, files, to_log_seconds
from models.bundle import read_bundle, write_bundle
from models.calibration import conformal_offsets
from models.metrics import coverage
from tests.models.examples import manifest

K = 3
NAMES = ("a", "b", "c")


class Constant:
    def __init__(self, raw):
        self.raw = np.asarray(raw)

    def predict(self, rows):
        return self.raw[: len(rows)]


@pytest.fixture(name="booster", scope="module")
def _booster():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, K)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    seconds = np.exp(4 + np.nan_to_num(rows[:, 0]) + 0.3 * rng.normal(size=400))
    options = {
        "objective": "reg:quantileerror",
        "quantile_alpha": list(QUANTILES),
        "max_depth": 3,
        "nthread": 1,
    }
    return xgboost.train(options, xgboost.QuantileDMatrix(rows, to_log_seconds(seconds)), 30), rows


def make(tmp_path, body, **more):
    folder = write_bundle(tmp_path / "b", manifest("build_optimizer", NAMES, **more), files(body))
    return read_bundle(folder)


def test_a_bundle_says_what_the_booster_says(tmp_path, booster):
    """
    Loaded from its bundle the model gives XGBoost's own quantiles, in seconds, gaps included.
    """
    model, rows = booster
    raw = model.predict(xgboost.DMatrix(rows))

    said = BuildOptimizer.load(make(tmp_path, model.save_raw("ubj")), NAMES).predict(rows)

    expected = np.maximum(np.expm1(np.sort(raw.astype(np.float64), axis=1)), 0)
    np.testing.assert_allclose(said, expected, rtol=1e-9)


@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "c", "d")])
def test_a_booster_of_other_features_is_refused(tmp_path, booster, names):
    """
    A booster that does not take the manifest's features is a corrupt bundle.
    """
    folder = write_bundle(
        tmp_path / "b",
        manifest("build_optimizer", names),
        files(booster[0].save_raw("ubj")),
    )

    with pytest.raises(CorruptBundle):
        BuildOptimizer.load(read_bundle(folder), names)


@pytest.mark.parametrize("body", [b"", b"{}", b"no booster" * 100])
def test_a_file_that_is_no_booster_is_a_corrupt_bundle(tmp_path, body):
    """
    A replica is told that the bundle is unusable, whatever is in the file.
    """
    with pytest.raises(CorruptBundle, match=BOOSTER):
        BuildOptimizer.load(make(tmp_path, body), NAMES)


def test_a_booster_of_one_quantile_is_refused(tmp_path):
    """
    A model without three quantiles cannot give an interval.
    """
    rows = np.zeros((10, K), dtype=np.float32)
    model = xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, np.arange(10)), 1)

    with pytest.raises(CorruptBundle, match="not 3"):
        BuildOptimizer.load(make(tmp_path, model.save_raw("ubj")), NAMES)


@given(
    arrays(np.float64, (6, 3), elements=st.floats(-1e3, 1e3)), st.floats(-3, 3), st.floats(-3, 3)
)
def test_quantiles_are_monotone_and_not_negative(raw, low, high):
    """
    Whatever the trees and the calibration say, 0 <= p10 <= p50 <= p90 < infinity.
    """
    calibration = {"cqr_low": low, "cqr_high": high}
    predictor = BuildOptimizer(
        regressor=Constant(raw),
        manifest=manifest("build_optimizer", NAMES, calibration=calibration),
    )

    said = predictor.predict(np.zeros((6, K)))

    assert (said >= 0).all()
    assert np.isfinite(said).all()
    assert (np.diff(said, axis=1) >= 0).all()


@given(st.integers(0, 1000), st.sampled_from([30, 100, 400]))
def test_offsets_cover_what_they_were_measured_on(seed, n):
    """
    Each side misses at most a tenth of the rows the offsets come from.
    """
    rng = np.random.default_rng(seed)
    y, low, high = rng.normal(size=n), rng.normal(-0.5, 0.1, n), rng.normal(0.5, 0.1, n)
    a, b = conformal_offsets(y, low, high)

    assert (y < low - a).mean() <= 0.1
    assert (y > high + b).mean() <= 0.1


def test_offsets_cover_new_rows():
    """
    On rows of the same kind the calibrated interval covers 80 %, however wrong the raw one is.
    """
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(300):
        y = rng.normal(size=100)
        a, b = conformal_offsets(y[:99], np.full(99, -0.1), np.full(99, 3.0))
        seen.append(coverage(y[99:], np.array([-0.1 - a]), np.array([3.0 + b])))

    assert np.mean(seen) == pytest.approx(0.8, abs=0.05)


def test_no_rows_need_no_offset():
    """
    Without calibration rows nothing moves.
    """
    assert conformal_offsets([], [], []) == (0.0, 0.0)
