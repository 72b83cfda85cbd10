import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.recent_outcomes import RecentOutcomes
from models.bundle import Bundle
from models.calibration import logit, platt, sigmoid
from models.failure_predictor import FailurePredictor, files
from models.network import fit_grid
from models.past_scores import read_past, write_past
from models.running_correction import BUILDS, HALF_LIFE, RunningCorrection, fit_correction
from tests.models.examples import manifest

NAMES = tuple("abcde")


def scored(n, *, seed, shift=0.0):
    """Logits a model gives, and outcomes that follow `logit + shift`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-1.0, 1.5, size=n)
    return logits, rng.random(n) < sigmoid(logits + shift)


def test_without_builds_nothing_is_corrected():
    """
    A project of which nothing has finished gets the bundle's own calibration.
    """
    assert fit_correction([], []) == RunningCorrection(shift=0.0)


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 300), st.floats(-3, 3))
def test_a_correction_never_goes_too_far(seed, n, shift):
    """
    A correction goes the way the outcomes point, and never beyond what fits them best.
    """
    logits, failed = scored(n, seed=seed, shift=shift)
    found = fit_correction(logits, failed).shift
    x, truth = logits[-BUILDS:], failed[-BUILDS:]
    weight = 0.5 ** (np.arange(len(x))[::-1] / HALF_LIFE)

    def missing(at):
        return weight @ (truth - sigmoid(x + at))

    assert found == 0 or np.sign(found) == np.sign(missing(0.0))
    assert found == 0 or np.sign(missing(found)) == np.sign(found)


def test_chance_is_not_corrected():
    """
    Where nothing has drifted, most corrections are none at all.
    """
    found = [fit_correction(*scored(150, seed=seed)).shift for seed in range(60)]

    assert np.mean(np.array(found) == 0) > 0.6


@given(st.integers(0, 10_000), st.integers(0, 60))
def test_the_order_of_builds_stays(seed, n):
    """
    A correction never says that the safer of two builds is the riskier one.
    """
    correction = fit_correction(*scored(n, seed=seed, shift=-2.0))
    logits = np.sort(np.random.default_rng(seed).normal(size=20))

    assert (np.diff(correction.apply(logits)) >= 0).all()


@pytest.mark.parametrize(("builds", "least", "most"), [(3, -0.1, 0.3), (200, 0.6, 1.1)])
def test_few_builds_move_little_and_many_move_all_the_way(builds, least, most):
    """
    Where the model says one logit too little, three builds hardly matter and 200 tell nearly all.
    """
    moved = []
    for seed in range(40):
        logits, failed = scored(builds, seed=seed, shift=1.0)
        moved.append(fit_correction(logits, failed).apply(logits).mean() - logits.mean())

    assert least < np.mean(moved) < most


@pytest.mark.parametrize("shift", [-1.5, 0.0, 1.5])
def test_a_correction_helps_after_drift_and_does_no_harm_without(shift):
    """
    Mean Brier score of later builds falls when a project has drifted and stays when it has not.
    """
    gains = []
    for seed in range(60):
        correction = fit_correction(*scored(150, seed=seed, shift=shift))
        later, failed = scored(150, seed=1_000 + seed, shift=shift)
        before = ((sigmoid(later) - failed) ** 2).mean()
        after = ((sigmoid(correction.apply(later)) - failed) ** 2).mean()
        gains.append(before - after)

    assert np.mean(gains) > (0.02 if shift else -0.002)


@given(
    st.dictionaries(st.text(max_size=8), st.integers(0, 2 * BUILDS), max_size=4), st.integers(0, 99)
)
def test_a_past_is_read_as_written(builds, seed):
    """
    Whatever projects are called, the newest builds of each come back under its name.
    """
    past = {name: scored(n, seed=seed) for name, n in builds.items() if name}

    back = read_past(write_past(past))

    assert set(back) == set(past)
    for name, (logits, failed) in past.items():
        np.testing.assert_array_equal(back[name][0], logits[-BUILDS:])
        np.testing.assert_array_equal(back[name][1], failed[-BUILDS:])


def predictor(past=None, *, learned_until=None):
    """A predictor with random weights, written and read back."""
    rng = np.random.default_rng(3)
    grid = fit_grid(rng.normal(size=(100, 5)).astype(np.float32))
    state = {
        "0.weight": rng.normal(size=(8, 10)),
        "0.bias": rng.normal(size=8),
        "1.weight": np.ones(8),
        "1.bias": np.zeros(8),
        "4.weight": rng.normal(size=(1, 8)),
        "4.bias": np.zeros(1),
    }
    state = {name: value.astype(np.float32) for name, value in state.items()}
    says = manifest(
        "failure_predictor",
        NAMES,
        calibration={"platt_a": 1.3, "platt_b": -0.2, "base_rate": 0.2},
        thresholds={"medium": 0.3, "high": 0.6},
        learned_until=learned_until or {},
    )
    return FailurePredictor.load(
        Bundle(name="b", manifest=says, files=files(grid, [state], past), seal=""), NAMES
    )


def finished(n, *, seed=0, first=1):
    """Builds of a project that all failed."""
    rng = np.random.default_rng(seed)
    sequence = first + 2 * np.arange(n)
    return RecentOutcomes(
        rows=rng.normal(size=(n, 5)).astype(np.float32),
        sequence=sequence,
        known_at=sequence + 1,
        duration_s=np.full(n, 60.0),
        failed=np.ones(n, dtype=np.bool_),
        pipeline=np.full(n, "ci.yml", dtype=object),
    )


def test_builds_the_weights_have_seen_correct_nothing():
    """
    Of a project it has learned from, only builds queued later count; of any other, all.
    """
    model = predictor(learned_until={"shop": 80})
    recent = finished(150)

    assert model.running("shop", recent) == model.running(
        "shop", recent.where(recent.sequence > 80)
    )
    assert model.running("shop", recent.where(recent.sequence <= 80)) == RunningCorrection()
    assert 0 != model.running("new", recent).shift != model.running("shop", recent).shift


def test_a_correction_begins_with_the_past_in_the_bundle():
    """
    What an inner model had said counts like builds that have finished since.
    """
    recent = finished(150)
    raw = logit(predictor().predict(recent.rows))
    uncalibrated = (raw + 0.2) / 1.3
    remembering = predictor({"shop": (uncalibrated, recent.failed)})

    begun = remembering.running("shop", finished(0))

    expected = predictor().running("shop", recent)
    assert begun.shift == pytest.approx(expected.shift, abs=1e-6)
    assert begun.shift != 0
    assert remembering.running("other", finished(0)) == RunningCorrection()


def test_predictions_and_reasons_are_corrected_alike():
    """
    With a correction, reasons still add up to the probability, and the formula is applied.
    """
    model = predictor()
    rows = finished(4).rows
    correction = RunningCorrection(shift=0.7)
    said = model.predict(rows, running=correction)

    expected = platt(logit(model.predict(rows), edge=1e-12), 1.0, 0.7)
    np.testing.assert_allclose(said, expected, atol=1e-9)
    effects = model.explain(rows[0], running=correction)
    usual = model.predict(model.manifest.baseline_row[None, :], running=correction)[0]
    assert sum(effects.values()) == pytest.approx(said[0] - usual, abs=1e-6)
