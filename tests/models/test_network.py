import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from devmind.errors import CorruptBundle
from models.bundle import read_bundle, write_bundle
from models.calibration import fit_platt, platt, sigmoid
from models.failure_predictor import NETWORK, FailurePredictor, files
from models.network import Network, fit_grid, parameter_names
from tests.models.examples import manifest

K = 5
NAMES = tuple("abcde")
CALIBRATION = {"platt_a": 1.3, "platt_b": -0.2, "base_rate": 0.2, "min_history": 20.0}
THRESHOLDS = {"medium": 0.3, "high": 0.6}
cells = st.one_of(
    st.floats(-1e6, 1e6, width=32), st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1.0])
)


def random_rows(seed, n=200):
    rng = np.random.default_rng(seed)
    rows = rng.lognormal(size=(n, K)).astype(np.float32)
    rows[:, 1] = rng.integers(0, 2, n)
    rows[:, 2] = 3.0
    rows[rng.random(rows.shape) < 0.1] = np.nan
    rows[:, 4] = np.nan
    return rows


def torch_members(count, hidden=(128, 64), seed=0):
    from torch import manual_seed, nn, randn  # noqa: PLC0415 - slow; only who needs it pays

    manual_seed(seed)
    members = []
    for _ in range(count):
        layers, width = [], 2 * K
        for each in hidden:
            layers += [nn.Linear(width, each), nn.LayerNorm(each), nn.ReLU(), nn.Dropout(0.3)]
            width = each
        member = nn.Sequential(*layers, nn.Linear(width, 1)).eval()
        for parameter in member.parameters():  # norms start as the identity, which proves nothing
            parameter.data += 0.1 * randn(parameter.shape)
        members.append(member)
    return members


def states(members):
    return [
        {name: value.numpy() for name, value in member.state_dict().items()} for member in members
    ]


@pytest.mark.parametrize("hidden", [(128, 64), (16,), (32, 16, 8)])
@pytest.mark.parametrize("count", [1, 3])
def test_numpy_says_what_torch_says(tmp_path, hidden, count):
    """
    The probability served without torch equals torch's within 1e-6, for ensembles of any depth.
    """
    from torch import from_numpy, no_grad  # noqa: PLC0415 - slow; only who needs it pays

    grid = fit_grid(random_rows(0))
    members = torch_members(count, hidden)
    folder = write_bundle(
        tmp_path / "b",
        manifest("failure_predictor", NAMES, calibration=CALIBRATION, thresholds=THRESHOLDS),
        files(grid, states(members)),
    )
    rows = random_rows(1, 500)
    with no_grad():
        inputs = from_numpy(grid.encode(rows))
        logits = np.mean([member(inputs).numpy()[:, 0] for member in members], axis=0)

    served = FailurePredictor.load(read_bundle(folder), NAMES).predict(rows)

    np.testing.assert_allclose(served, platt(logits, 1.3, -0.2), atol=1e-6, rtol=0)


def test_names_are_torch_names():
    """
    The parameters are named as torch's Sequential names them.
    """
    (state,) = states(torch_members(1))

    assert tuple(state) == parameter_names(2)


@given(arrays(np.float32, (40, K), elements=cells), arrays(np.float32, (7, K), elements=cells))
def test_inputs_are_always_finite(train, rows):
    """
    Whatever the features hold, the network sees finite numbers and knows what was missing.
    """
    inputs = fit_grid(train, knots=11).encode(rows)

    assert np.isfinite(inputs).all()
    np.testing.assert_array_equal(inputs[:, K:], np.isnan(rows))
    assert (inputs[:, :K][np.isnan(rows)] == 0).all()


@given(arrays(np.float64, 60, elements=st.floats(-1e6, 1e6)))
def test_scores_keep_the_order(column):
    """
    A larger feature never gets a smaller score.
    """
    rows = np.repeat(np.sort(column)[:, None], 2, axis=1)

    scores = fit_grid(rows, knots=11).encode(rows)[:, 0]

    assert (np.diff(scores) >= 0).all()


def test_scores_are_those_of_interpolation():
    """
    Between the grid's values scores are linear, as numpy's interpolation has them.
    """
    rows = np.random.default_rng(0).lognormal(size=(500, 1))
    grid = fit_grid(rows)
    new = np.random.default_rng(1).lognormal(size=(300, 1))

    expected = np.interp(new[:, 0], grid.values[0], grid.scores[0])

    np.testing.assert_allclose(grid.encode(new)[:, 0], expected, rtol=1e-6)


def test_many_rows_are_encoded_as_few():
    """
    Encoding in chunks changes nothing.
    """
    grid = fit_grid(random_rows(0))
    rows = random_rows(3, 10_000)

    np.testing.assert_array_equal(grid.encode(rows)[8_800:8_900], grid.encode(rows[8_800:8_900]))


@pytest.mark.parametrize("count", [1, 15, 16, 200])
def test_a_row_alone_is_encoded_as_among_others(count):
    """
    Whether one search serves all columns or each has its own changes nothing.
    """
    grid = fit_grid(random_rows(0))
    rows = random_rows(3, 500)

    np.testing.assert_array_equal(grid.encode(rows[:count]), grid.encode(rows)[:count])


def test_mixtures_are_scored_as_their_inputs():
    """
    What goes through the first layer once gives what it gives row by row, to float32.
    """
    rng = np.random.default_rng(0)
    network = Network(states(torch_members(2)))
    start, steps = rng.normal(size=network.inputs), rng.normal(size=(3, network.inputs))
    taken = np.array([[0, 0, 0], [1, 0, 1], [1, 1, 1]], dtype=bool)

    said = network.mixture_logits(start, steps, taken)

    np.testing.assert_allclose(said, network.logits(start + taken @ steps), atol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"0.weight": np.zeros((128, 3), np.float32)},
        {"1.bias": np.zeros(3, np.float32)},
        {"4.weight": np.zeros((64, 7), np.float32)},
        {"8.weight": np.zeros((2, 64), np.float32), "8.bias": np.zeros(2, np.float32)},
        {"9.weight": np.zeros(3, np.float32)},
    ],
)
def test_a_network_of_another_shape_is_refused(change):
    """
    Parameters that are too few, too many or do not fit each other make no predictor.
    """
    good, bad = states(torch_members(1)) * 2
    with pytest.raises(ValueError, match=r"layer|parameters|inputs"):
        Network([good, bad | change])


@pytest.mark.parametrize("body", [b"", b"not tensors", b"\xff" * 64])
def test_a_file_that_is_no_network_is_a_corrupt_bundle(tmp_path, body):
    """
    A replica is told that the bundle is unusable, whatever is in the file.
    """
    folder = write_bundle(
        tmp_path / "b",
        manifest("failure_predictor", NAMES, calibration=CALIBRATION, thresholds=THRESHOLDS),
        {NETWORK: body},
    )

    with pytest.raises(CorruptBundle, match="does not hold a network"):
        FailurePredictor.load(read_bundle(folder), NAMES)


def test_a_manifest_without_thresholds_is_a_corrupt_bundle(tmp_path):
    """
    A predictor without the numbers it needs is refused when it is loaded, not when it is asked.
    """
    grid = fit_grid(random_rows(0))
    folder = write_bundle(
        tmp_path / "b",
        manifest("failure_predictor", NAMES, calibration=CALIBRATION),
        files(grid, states(torch_members(1))),
    )

    with pytest.raises(CorruptBundle, match="medium"):
        FailurePredictor.load(read_bundle(folder), NAMES)


@pytest.mark.parametrize(
    ("probability", "level"),
    [(0.0, "low"), (0.29, "low"), (0.3, "medium"), (0.59, "medium"), (0.6, "high"), (1.0, "high")],
)
def test_risk_levels(tmp_path, probability, level):
    """
    A level begins at its threshold.
    """
    predictor = FailurePredictor(
        grid=fit_grid(random_rows(0)),
        network=Network(states(torch_members(1))),
        manifest=manifest(
            "failure_predictor", NAMES, calibration=CALIBRATION, thresholds=THRESHOLDS
        ),
    )

    assert predictor.risk_level(probability) == level


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 60))
def test_fitted_platt_is_the_best_fit(seed, n):
    """
    Platt's two numbers are where the likelihood of the smoothed targets has no slope left.
    """
    rng = np.random.default_rng(seed)
    score = rng.normal(size=n)
    truth = rng.random(n) < sigmoid(1.5 * score - 0.5)
    a, b = fit_platt(score, truth)
    positives, negatives = truth.sum(), (~truth).sum()
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    rest = platt(score, a, b) - target

    assert a > 0
    if positives and negatives and a > 1e-3:
        assert abs((rest * score).sum()) < 1e-4
    if a > 1e-3:
        assert abs(rest.sum()) < 1e-4


def test_features_that_are_not_looked_at_change_nothing():
    """
    A grid of some columns gives their inputs alone, in their order, and knows which these are.
    """
    rows = random_rows(0)
    few, every = fit_grid(rows, columns=np.array([3, 0])), fit_grid(rows)
    other = rows.copy()
    other[:, [1, 2, 4]] = 7.0

    np.testing.assert_array_equal(few.encode(rows), every.encode(rows)[:, [0, 3, K, K + 3]])
    np.testing.assert_array_equal(few.encode(rows), few.encode(other))
    assert few.inputs_of(np.array([3, 4])).tolist() == [1, 3]
    assert few.inputs_of(np.array([1])).tolist() == []


def test_a_grid_for_features_that_do_not_exist_is_a_corrupt_bundle(tmp_path):
    """
    A network that looks at a column beyond the row is refused when it is loaded.
    """
    wide = np.hstack([random_rows(0), random_rows(1)])
    grid = fit_grid(wide, columns=np.arange(K) + 3)
    folder = write_bundle(
        tmp_path / "b",
        manifest("failure_predictor", NAMES, calibration=CALIBRATION, thresholds=THRESHOLDS),
        files(grid, states(torch_members(1))),
    )

    with pytest.raises(CorruptBundle, match="5 features"):
        FailurePredictor.load(read_bundle(folder), NAMES)
