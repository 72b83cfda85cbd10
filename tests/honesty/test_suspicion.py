"""Columns of ready-made tables that know the outcome."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from devmind.events import in_order_of_time
from devmind.readers.tables import read_table
from features.replay import replay_builds
from models.suspicion import suspicious_columns
from tests.factories import store
from tests.honesty.histories import simulated

N = 200


@pytest.fixture(name="rng")
def _rng():
    return np.random.default_rng(7)


def planted(rng, label):
    """Honest noise, a good honest column, and columns that know the label in five ways."""
    noise = rng.normal(size=N)
    gaps = np.where(label > np.median(label), 1.0, np.nan)
    columns = {
        "noise": noise,
        "good": label + 1.2 * np.std(label) * noise,
        "copy": label.astype(float),
        "turned": -2.0 * label,
        "nearly": label + 0.01 * np.std(label) * noise,
        "only_then": gaps,
        "constant": np.ones(N),
        "empty": np.full(N, np.nan),
        "hardly_known": np.where(np.arange(N) < 5, label, np.nan),
    }
    return np.column_stack(list(columns.values())), tuple(columns)


@pytest.mark.parametrize("kind", ["failed", "duration_s"])
def test_planted_columns_are_named(rng, kind):
    """
    A copy of the label, its reverse, its near copy and its pattern of gaps are named; nothing else.
    """
    label = rng.random(N) < 0.3 if kind == "failed" else rng.lognormal(5, 1, N)
    rows, names = planted(rng, label)

    assert suspicious_columns(rows, label, names) == ("copy", "turned", "nearly", "only_then")


def test_a_column_only_filled_for_failures_is_named(rng):
    """
    What is only looked up for some of the failed builds gives itself away by being there.
    """
    label = rng.random(N) < 0.1
    column = np.where(label & (rng.random(N) < 0.9), rng.random(N), np.nan)

    assert suspicious_columns(column[:, None], label, ("fixed_with",)) == ("fixed_with",)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.9, 0.97, 0.999]))
def test_rank_correlation_is_that_of_scipy(seed, limit):
    """
    A numeric column is named exactly when scipy's rank correlation reaches the limit.
    """
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 20, 60).astype(float)
    column = np.round(label + rng.normal(scale=rng.uniform(0.1, 8), size=60))
    expected = abs(spearmanr(column, label).statistic) >= limit

    assert bool(suspicious_columns(column[:, None], label, ("x",), limit=limit)) == expected


def test_shapes_must_fit():
    """
    Rows, label and names of different lengths are the caller's mistake.
    """
    with pytest.raises(ValueError, match="3 names"):
        suspicious_columns(np.zeros((4, 2)), np.zeros(4), ("a", "b", "c"))


def test_the_products_columns_are_above_suspicion():
    """
    On a simulated company no column of a build's row tells its outcome or duration alone.
    """
    examples = replay_builds(store(in_order_of_time(simulated(250, seed=8))))

    assert suspicious_columns(examples.rows, examples.failed, examples.names) == ()
    passed = examples.passed
    rows, duration_s = examples.rows[passed], examples.duration_s[passed]
    assert suspicious_columns(rows, duration_s, examples.names) == ()


def test_a_published_table_gives_itself_away(ci_data):
    """
    In a real research table the copy of the duration is named, the file types are not.
    """
    path = ci_data / "github-actions/with_conclusion/ccpay_wf6192976_processed_2025.csv"
    table = list(read_table(path, needs=frozenset({"build_duration"})))
    names = ("build_duration_original", "gh_lines_added", "hour", "ft___java_", "secs_since_prev")
    rows = [[row.number(name) for name in names] for row in table]
    label = np.array([row.number("build_duration") for row in table])

    assert suspicious_columns(rows, label, names) == ("build_duration_original",)
