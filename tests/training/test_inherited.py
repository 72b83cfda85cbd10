"""Knobs that a search found: which of them the next version is trained with."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, MODELS
from training.config import as_json, default_config
from training.inherited import champions_knobs, inherited
from training.search_spaces import SPACES, chosen


def values(knob):
    if knob.choices:
        return st.sampled_from(knob.choices)
    if knob.whole:
        return st.integers(int(knob.low), int(knob.high))
    return st.floats(knob.low, knob.high)


@pytest.mark.parametrize("model", MODELS)
@given(data=st.data())
def test_what_a_search_found_goes_on(model, data):
    """
    A manifest that has been to disk gives the next version exactly the knobs that were found, and
    the version after that as well.
    """
    space = SPACES[model]
    turned = data.draw(
        st.fixed_dictionaries({}, optional={knob.name: values(knob) for knob in space})
    )
    found = chosen(default_config(model, seed=1), turned, space)
    stored = msgspec.json.decode(msgspec.json.encode({**as_json(found), "inputs": {}}))

    again = inherited(model, stored, seed=5)

    assert again == replace(found, seed=5)
    assert inherited(model, as_json(again), seed=1) == found


@pytest.mark.parametrize(
    "config",
    [
        {},
        as_json(replace(default_config(BUILD_OPTIMIZER, seed=1), max_depth=5)),
        {"max_depth": 99, "found": ["max_depth"]},
        {"max_depth": "deep", "found": ["max_depth"]},
        {"max_depth": [3], "found": ["max_depth"]},
        {"depth_of_old": 3, "found": ["depth_of_old", "reg_lambda"]},
    ],
    ids=["older", "not found", "outside", "no number", "list", "unknown"],
)
def test_what_no_search_of_today_would_try_does_not(config):
    """
    Defaults of other days, knobs that are gone and values outside the space stay behind.
    """
    assert inherited(BUILD_OPTIMIZER, config, seed=3) == default_config(BUILD_OPTIMIZER, seed=3)


def test_without_a_champion_there_is_nothing_to_go_on_with(tmp_path):
    """
    The first version is trained with the defaults.
    """

    class Empty:
        def champion(self, _model):
            return None

    found = champions_knobs(Empty(), FAILURE_PREDICTOR, seed=2, folder=tmp_path)

    assert found == default_config(FAILURE_PREDICTOR, seed=2)
