import numpy as np
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from devmind.errors import CorruptBundle
from models.build_optimizer import BOOSTER, QUANTILES, BuildOptimizer, files, to_log_seconds
from models.bundle import read_bundle, write_bundle
from models.past_misses import MISSES, prior_of, read_misses, write_misses
from models.running_interval import Misses, RunningInterval
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


def make(tmp_path, body, *, own=None, extra=None, **more):
    contents = {**files(body, own), **(extra or {})}
    folder = write_bundle(tmp_path / "b", manifest("build_optimizer", NAMES, **more), contents)
    return read_bundle(folder)


def misses(count, first=0):
    place = np.arange(first, first + count)
    return Misses(below=-1.0 * place, above=0.5 * place, sequence=2 * place, known_at=2 * place + 1)


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


def constant(raw, **more):
    described = manifest("build_optimizer", NAMES, **more)
    return BuildOptimizer(regressor=Constant(raw), manifest=described)


@given(arrays(np.float64, (6, 3), elements=st.floats(-5, 15)), st.floats(-3, 3), st.floats(-3, 3))
def test_a_running_interval_moves_the_sides_and_not_the_middle(raw, low, high):
    """
    The running interval replaces the static one, and p50 stays what the booster says.
    """
    running = RunningInterval(project="shop", low=low, high=high)
    static = {"calibration": {"cqr_low": low, "cqr_high": high}}

    said = constant(raw).predict(np.zeros((6, K)), running=running)

    np.testing.assert_array_equal(said, constant(raw, **static).predict(np.zeros((6, K))))
    np.testing.assert_array_equal(said[:, 1], constant(raw).predict(np.zeros((6, K)))[:, 1])


def test_the_mean_weighs_levels_by_the_builds_they_stand_for():
    """
    Quantiles at 10, 50 and 90 % stand for 30, 40 and 30 % of all builds.
    """
    raw = to_log_seconds(np.array([[100.0, 200.0, 600.0]]))

    assert constant(raw).mean_s(np.zeros((1, K)))[0] == pytest.approx(30 + 80 + 180)


def test_a_project_is_predicted_by_its_own_booster(tmp_path, booster):
    """
    A running interval brings the project's own model; other projects get that of all.
    """
    model, rows = booster
    small = model[:3]
    loaded = BuildOptimizer.load(
        make(
            tmp_path,
            model.save_raw("ubj"),
            own={"bank": small.save_raw("ubj")},
            config={"own": ["bank"]},
        ),
        NAMES,
    )

    of_all = loaded.predict(rows)
    shop = loaded.predict(rows, running=RunningInterval(project="shop", low=0.0, high=0.0))
    bank = loaded.predict(rows, running=RunningInterval(project="bank", low=0.0, high=0.0))

    expected = np.sort(small.predict(xgboost.DMatrix(rows)).astype(np.float64), axis=1)
    np.testing.assert_array_equal(shop, of_all)
    np.testing.assert_allclose(bank, np.maximum(np.expm1(expected), 0), rtol=1e-9)


def test_reasons_add_up_to_what_the_project_is_told(tmp_path, booster):
    """
    With levels, own boosters and a running interval, the parts still sum to p50's difference.
    """
    model, rows = booster
    rows = np.abs(rows) * 100
    loaded = BuildOptimizer.load(
        make(
            tmp_path,
            model.save_raw("ubj"),
            own={"bank": model[:3].save_raw("ubj")},
            config={
                "own": ["bank"],
                "inputs": {"seen": list(NAMES), "durations": ["a"], "levels": ["b"]},
            },
            groups={"one": ("a",), "two": ("b",)},
            baseline=(1.0, 2.0, 3.0),
        ),
        NAMES,
    )
    running = RunningInterval(project="bank", low=0.1, high=0.2)

    parts = loaded.explain(rows[0], running=running, orderings=3)

    both = np.stack([loaded.manifest.baseline_row, rows[0]])
    from_s, to_s = loaded.predict(both, running=running)[:, 1]
    assert sum(parts.values()) == pytest.approx(to_s - from_s)
    assert set(parts) == {"one", "two", "other"}


def test_the_newest_misses_come_back(tmp_path, booster):
    """
    A bundle keeps the newest misses of each project, in their order.
    """
    held = {"bank": misses(3), "shop": misses(250)}
    loaded = BuildOptimizer.load(
        make(
            tmp_path,
            booster[0].save_raw("ubj"),
            extra={MISSES: write_misses(held)},
            config={"seeded": ["bank", "shop"]},
        ),
        NAMES,
    )

    assert loaded.seeds("bank").sequence.tolist() == [0, 2, 4]
    assert loaded.seeds("shop").below.tolist() == misses(200, 50).below.tolist()
    assert len(loaded.seeds("nonesuch")) == 0


def test_each_project_has_equal_say_in_the_prior():
    """
    The prior's median lies halfway between those of two projects, however many builds they have.
    """
    prior = prior_of({"bank": misses(3), "shop": misses(201)})

    assert np.median(prior.above) == pytest.approx((0.5 + 50) / 2)
    assert prior_of({}).below.size == 0


@pytest.mark.parametrize(
    ("config", "own", "extra"),
    [
        ({"own": ["bank"]}, None, {}),
        ({"own": ["bank", "shop"]}, {"bank": b"no booster"}, {}),
        ({"own": ["bank"]}, {"bank": b"no booster"}, {}),
        ({"seeded": ["bank"]}, None, {}),
        ({"seeded": ["bank"]}, None, {MISSES: b"no tensors"}),
        ({"levels": [0.5]}, None, {}),
        ({"inputs": {"seen": ["z"]}}, None, {}),
        ({"inputs": 7}, None, {}),
    ],
)
def test_a_bundle_that_lacks_what_it_lists_is_corrupt(tmp_path, booster, config, own, extra):
    """
    Boosters, misses, levels or inputs that are not there or cannot be read make a bundle unusable.
    """
    body = booster[0].save_raw("ubj")

    with pytest.raises(CorruptBundle):
        BuildOptimizer.load(make(tmp_path, body, own=own, extra=extra, config=config), NAMES)


def test_misses_of_unequal_length_are_corrupt():
    """
    Columns that do not belong together are refused.
    """
    ragged = Misses(
        below=np.zeros(2), above=np.zeros(3), sequence=np.arange(2), known_at=np.arange(2)
    )

    with pytest.raises(CorruptBundle, match="unequal"):
        read_misses(write_misses({"shop": ragged}), ["shop"], "b")
