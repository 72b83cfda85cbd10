from io import BytesIO

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from benchmarks.serving.made_projects import junit, names_of_tests, stories
from benchmarks.serving.peers.files import Fields
from benchmarks.serving.peers.forest import sklearn_forest
from benchmarks.serving.peers.network import FailureNetwork
from devmind.events import Reported
from devmind.readers.junit import read_junit
from models.forest import flatten
from models.network import Network, fit_grid, parameter_names


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**20))
def test_the_library_answers_what_the_fitted_forest_did(seed):
    """
    A forest made of a bundle's arrays is scikit-learn's again, bit for bit, unknown values too.
    """
    random = np.random.default_rng(seed)
    rows = random.normal(size=(120, 5)).astype(np.float32)
    rows[random.random(rows.shape) < 0.1] = np.nan
    fitted = RandomForestClassifier(4, max_depth=5, random_state=0)
    fitted.fit(rows, np.nan_to_num(rows[:, 0]) + random.normal(size=120) > 0)

    again = sklearn_forest(flatten(fitted), features=5)

    np.testing.assert_array_equal(again.predict_proba(rows)[:, 1], fitted.predict_proba(rows)[:, 1])


def test_torch_answers_what_numpy_does():
    """
    The network in torch agrees with the one that serves, within 1e-6 of a logit's size.
    """
    random = np.random.default_rng(0)
    rows = random.normal(size=(40, 6)).astype(np.float32)
    rows[random.random(rows.shape) < 0.2] = np.nan
    grid = fit_grid(rows)
    shapes = [(8, 12), (8,), (8,), (8,), (1, 8), (1,)]
    members = [
        {n: random.normal(size=s) for n, s in zip(parameter_names(1), shapes, strict=True)}
        for _ in range(2)
    ]
    inputs = {f"inputs.{name}": getattr(grid, name) for name in ("columns", "values", "scores")}
    named = {f"{i}/{name}": a for i, member in enumerate(members) for name, a in member.items()}

    with torch.inference_mode():
        found = FailureNetwork({**inputs, **named})(torch.from_numpy(rows))[:, 0].numpy()

    np.testing.assert_allclose(found, Network(members).logits(grid.encode(rows)), atol=5e-6)


def test_named_fields_fill_their_columns():
    """
    What a body does not name is unknown.
    """
    row = Fields(places={"a": 2, "b": 0}, width=4).row({"a": 1.5, "b": None})

    np.testing.assert_array_equal(row, np.array([[np.nan, np.nan, 1.5, np.nan]], dtype=np.float32))


@pytest.mark.parametrize("tests", [500, 5_000])
def test_made_up_projects_have_their_tests(tests):
    """
    Every build reports every test once, and some fail.
    """
    events = [event for story in stories(tests, builds=6) for event in story]
    reports = [event.report for event in events if isinstance(event, Reported)]

    assert [len({run.name for run in report.runs}) for report in reports] == [tests] * 6
    assert any(run.verdict.failing for report in reports for run in report.runs)


def test_the_junit_file_is_read():
    """
    The recorded file has as many results as it says, on one line.
    """
    text = junit(1_000)

    assert "\n" not in text
    assert len(read_junit(BytesIO(text.encode())).runs) == 1_000
    assert len(set(names_of_tests(1_000))) == 1_000
