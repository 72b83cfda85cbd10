import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.duration_inputs import DurationInputs

FEATURES = ("median7_s", "project_s", "failed", "last_s", "files")
INPUTS = DurationInputs(
    features=FEATURES,
    seen=("last_s", "files"),
    durations=("last_s",),
    levels=("median7_s", "project_s"),
    usual_s=60.0,
)


def test_durations_are_told_relative_to_the_first_known_level():
    """
    Seconds become a logarithm of their ratio to the level; what is not shown stays out, and other
    columns stay as they are.
    """
    rows = np.array([[99, 7, 1, 199, 3], [np.nan, 49, 1, np.nan, 3], [np.nan] * 5], np.float32)

    level, seen = INPUTS.level(rows), INPUTS.encode(rows)

    np.testing.assert_allclose(level, np.log([100, 50, 61]), rtol=1e-6)
    expected = [[np.log(2), 3], [np.nan, 3], [np.nan, np.nan]]
    np.testing.assert_allclose(seen, expected, rtol=1e-5)


@given(st.floats(1, 1e6), st.floats(1, 1e6), st.floats(2, 100))
def test_what_is_seen_has_no_unit(level, last, factor):
    """
    A project that is slower in everything by a factor looks the same to the boosters.
    """
    one, other = (np.array([[k * level - 1, 0, 0, k * last - 1, 3]]) for k in (1, factor))

    np.testing.assert_allclose(INPUTS.encode(one), INPUTS.encode(other), rtol=1e-3, atol=1e-3)


def test_it_survives_json():
    """
    What a manifest holds gives the same inputs back; without it rows are shown as they are.
    """
    plain = DurationInputs.from_json(FEATURES, None)
    rows = np.arange(5, dtype=np.float32)[None, :]

    assert DurationInputs.from_json(FEATURES, INPUTS.as_json()) == INPUTS
    assert plain.encode(rows).tolist() == rows.tolist()
    assert plain.level(rows).tolist() == [0.0]


def test_unknown_columns_are_refused():
    """
    A manifest whose inputs name a column that a row does not have is an error.
    """
    with pytest.raises(ValueError, match="nonesuch"):
        DurationInputs.from_json(FEATURES, {"seen": ["nonesuch"]})
