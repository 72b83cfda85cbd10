import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmind.errors import CorruptBundle
from models.bundle import Bundle
from models.drift import (
    BINS,
    DRIFT,
    drift,
    outcome_columns,
    outcome_drift,
    psi,
    read_references,
    reference,
    references_of,
    write_references,
)

FEATURES = 293


def columns(rng, rows, features=FEATURES):
    """Columns as features are: heavy tails, few values, gaps."""
    made = rng.lognormal(size=(rows, features)).astype(np.float32)
    made[:, ::3] = np.floor(3 * made[:, ::3])
    made[:, ::5] = np.where(rng.random((rows, len(made[0, ::5]))) < 0.3, np.nan, made[:, ::5])
    return made


def test_no_false_alarm_without_drift():
    """
    Of 40 comparisons of all features of builds that are spread as in training, at most one finds a
    worst feature beyond 0.1.
    """
    rng = np.random.default_rng(7)
    names = tuple(map(str, range(FEATURES)))
    before = reference(columns(rng, 1_000))

    found = [drift(before, columns(rng, 200), names).psi for _ in range(40)]

    assert sum(one > 0.1 for one in found) <= 1


def test_chance_is_taken_off():
    """
    With few rows on both sides the index of one feature is nearly nothing on average, not the large
    number that the formula gives by itself.
    """
    rng = np.random.default_rng(1)
    pairs = [(rng.normal(size=(120, 1)), rng.normal(size=(120, 1))) for _ in range(400)]
    index = [drift(reference(old), new, ("x",)).psi for old, new in pairs]
    chance = BINS * (1 / 120 + 1 / 120)

    assert np.mean(index) < chance / 10
    assert np.mean(np.array(index) > 0.1) <= 0.02


@pytest.mark.parametrize("moved", [lambda x: x * 3, lambda x: x + 4, lambda x: x * np.nan])
def test_drift_is_found_and_named(moved):
    """
    A feature that has moved, or is no longer known, is found and named.
    """
    rng = np.random.default_rng(2)
    before, now = columns(rng, 500, 20), columns(rng, 200, 20)
    now[:, 7] = moved(now[:, 7])

    found = drift(reference(before), now, tuple(map(str, range(20))))

    assert (found.where, found.rows) == ("7", 200)
    assert found.psi > 0.25


counts = st.lists(st.integers(0, 500), min_size=5, max_size=5).filter(any)


@given(counts, counts)
def test_the_index_is_that_of_the_formula(before, now):
    """
    It is the sum over bins of difference times log ratio, less what chance adds, never below 0;
    and it is the same in both directions.
    """
    one, other = np.array([before], dtype=float), np.array([now], dtype=float)
    bins = [(a, b) for a, b in zip(before, now, strict=True) if a + b]
    n, m = sum(a + 0.5 for a, _ in bins), sum(b + 0.5 for _, b in bins)
    raw = sum(
        ((a + 0.5) / n - (b + 0.5) / m) * np.log(((a + 0.5) / n) / ((b + 0.5) / m)) for a, b in bins
    )
    expected = max(raw - (len(bins) - 1) * (1 / sum(before) + 1 / sum(now)), 0.0)

    assert psi(one, other)[0] == pytest.approx(expected, abs=1e-9)
    assert psi(other, one)[0] == pytest.approx(expected, abs=1e-9)


def test_too_few_rows_say_nothing():
    """
    With fewer than a hundred rows on either side there is no figure.
    """
    rng = np.random.default_rng(3)
    many, few = rng.normal(size=(200, 2)), rng.normal(size=(99, 2))

    assert drift(reference(many), few, ("a", "b")) is None
    assert drift(reference(few), many, ("a", "b")) is None


@pytest.mark.parametrize(
    ("times", "rate", "where"), [(1.0, 0.2, ""), (3.0, 0.2, "duration_s"), (1.0, 0.6, "failed")]
)
def test_outcomes_move_by_duration_or_by_failures(times, rate, where):
    """
    Longer builds and more failures are told apart; neither is found where nothing has changed.
    """
    rng = np.random.default_rng(4)

    def came(rows, times, rate):
        return outcome_columns(times * rng.lognormal(size=rows), rng.random(rows) < rate)

    found = outcome_drift(reference(came(1_000, 1.0, 0.2)), came(200, times, rate))

    assert (found.where if found.psi > 0.1 else "") == where


def test_references_come_back():
    """
    What a bundle keeps is what was counted.
    """
    rng = np.random.default_rng(5)
    found = {name: reference(columns(rng, 150, 6)) for name in ("shop", "ac/me ü")}

    again = read_references(write_references(found))

    assert set(again) == set(found)
    for name, one in again.items():
        np.testing.assert_array_equal(one.edges, found[name].edges)
        np.testing.assert_array_equal(one.counts, found[name].counts)


def test_an_older_bundle_has_none_and_a_damaged_one_is_refused():
    """
    A bundle without references is read as before; one whose references are damaged is refused.
    """

    def bundle(files):
        return Bundle(name="build_optimizer/7", manifest=None, files=files, seal="")

    assert references_of(bundle({})) == {}
    with pytest.raises(CorruptBundle, match=DRIFT):
        references_of(bundle({DRIFT: b"spoilt"}))
