import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.resampling import block_length, interval, resamples


@given(st.integers(1, 60), st.integers(1, 80), st.integers(1, 5), st.integers(0, 9))
def test_a_draw_is_made_of_rows_that_follow_each_other(units, block, repeats, seed):
    """
    Every draw has as many rows as there are, in runs of the block's length, wrapped at the end.
    """
    rng = np.random.default_rng(seed)

    draws = resamples(units, repeats=repeats, block=block, rng=rng)

    assert draws.shape == (repeats, units)
    assert draws.min() >= 0
    assert draws.max() < units
    length = min(block, units)
    breaks = np.flatnonzero((np.diff(draws[0]) % units) != 1 % units) + 1
    assert all(place % length == 0 for place in breaks.tolist())


def test_every_row_is_drawn_equally_often():
    """
    No row, at the ends or in the middle, counts for more than another.
    """
    draws = resamples(20, repeats=20_000, block=6, rng=np.random.default_rng(1))

    counts = np.bincount(draws.ravel(), minlength=20)

    assert np.all(np.abs(counts / 20_000 - 1) < 0.05)


def test_an_interval_of_a_mean_holds_the_truth_as_often_as_it_says():
    """
    A 90 % interval of the mean of independent values holds the true mean about nine times in ten.
    """
    rng, held = np.random.default_rng(2), 0
    for _ in range(300):
        values = rng.normal(5, 1, 60)
        draws = resamples(60, repeats=200, block=1, rng=rng)
        low, high = interval(values[draws].mean(axis=1))
        held += low <= 5 <= high

    assert 0.84 <= held / 300 <= 0.95


def test_blocks_widen_the_interval_of_values_that_hang_together():
    """
    Values that resemble their neighbours give a wider interval in blocks than one by one.
    """
    rng = np.random.default_rng(3)
    values = np.repeat(rng.normal(0, 1, 40), 10)

    def width(block):
        draws = resamples(400, repeats=400, block=block, rng=np.random.default_rng(4))
        low, high = interval(values[draws].mean(axis=1))
        return high - low

    assert width(10) > 2 * width(1)
    assert width(block_length(400)) > 1.5 * width(1)


def test_an_interval_of_undefined_replicates_is_undefined():
    """
    A figure that most draws leave undefined has no interval.
    """
    assert np.isnan(interval([np.nan, np.nan, 1.0])).all()
    assert np.isnan(interval([])).all()
    assert interval([np.nan, 1.0, 1.0]) == (1.0, 1.0)
