from itertools import pairwise, permutations
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from models import metrics, ranking

few = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.75, 0.9, 1.0])
scored = st.lists(st.tuples(st.booleans(), few | st.floats(0, 1)), min_size=1, max_size=40).map(
    lambda pairs: (np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs]))
)
with_both = scored.filter(lambda pair: 0 < pair[0].sum() < len(pair[0]))
tests_of_a_build = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.5, 1.0, 4.0])),
    min_size=1,
    max_size=5,
).map(lambda rows: tuple(np.array(column) for column in zip(*rows, strict=True)))


@given(with_both)
def test_classification_metrics_are_those_of_scikit_learn(pair):
    """
    AUC, average precision and Brier score equal scikit-learn's on any input, ties included.
    """
    truth, score = pair

    assert metrics.auc(truth, score) == pytest.approx(reference.roc_auc_score(truth, score))
    assert metrics.average_precision(truth, score) == pytest.approx(
        reference.average_precision_score(truth, score)
    )
    assert metrics.brier(truth, score) == pytest.approx(reference.brier_score_loss(truth, score))


@given(with_both)
def test_f1_and_its_threshold_are_the_best_there_is(pair):
    """
    F1 equals scikit-learn's, and no threshold among the scores has a better one.
    """
    truth, score = pair
    best = metrics.best_f1_threshold(truth, score)
    said = metrics.f1(truth, score >= best)

    assert said == pytest.approx(reference.f1_score(truth, score >= best))
    caught = [(truth[score >= t].sum(), (score >= t).sum()) for t in score]
    assert said >= max(2 * hits / (truth.sum() + shown) for hits, shown in caught) - 1e-12


@given(scored.filter(lambda pair: pair[0].any()), st.sampled_from([0.5, 0.95, 1.0]))
def test_builds_saved_by_brute_force(pair, recall):
    """
    The share of builds saved is that of the highest threshold that catches enough failures.
    """
    truth, score = pair
    caught = [t for t in score if truth[score >= t].sum() >= recall * truth.sum() - 1e-9]
    expected = max((score < t).mean() for t in caught)

    assert metrics.saved_at_recall(truth, score, recall=recall) == pytest.approx(expected)


@given(scored, st.integers(1, 15))
def test_calibration_error_by_brute_force(pair, bins):
    """
    Calibration error is the weighted gap between said and seen in each bin.
    """
    truth, said = pair
    place = np.minimum((said * bins).astype(int), bins - 1)
    expected = sum(
        (place == b).mean() * abs(said[place == b].mean() - truth[place == b].mean())
        for b in set(place)
    )

    assert metrics.expected_calibration_error(truth, said, bins=bins) == pytest.approx(expected)


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=1, max_size=30))
def test_regression_metrics_are_those_of_scikit_learn(pairs):
    """
    MAE, RMSE, median error and pinball loss equal scikit-learn's.
    """
    y, said = np.array(pairs).T
    near = pytest.approx

    assert metrics.mae(y, said) == near(reference.mean_absolute_error(y, said))
    assert metrics.rmse(y, said) == near(reference.root_mean_squared_error(y, said))
    assert metrics.median_error(y, said) == near(reference.median_absolute_error(y, said))
    levels = (0.1, 0.5, 0.9)
    quantiles = np.stack([said - 1, said, said + 2], axis=1)
    expected = np.mean(
        [reference.mean_pinball_loss(y, quantiles[:, i], alpha=a) for i, a in enumerate(levels)]
    )
    assert metrics.pinball(y, quantiles, levels=levels) == near(expected)


def test_coverage_counts_the_borders():
    """
    A duration on the border of its interval is covered.
    """
    assert metrics.coverage([1.0, 2.0, 3.1, 0.9], [1, 1, 1, 1], [3, 2, 3, 3]) == 0.5


def orders(score):
    """Give every order of indices that runs by falling score."""
    for order in permutations(range(len(score))):
        if all(score[a] >= score[b] for a, b in pairwise(order)):
            yield np.array(order)


@given(tests_of_a_build.filter(lambda rows: rows[0].any()))
def test_apfd_is_its_expectation_over_ties(rows):
    """
    APFD and APFDc equal the mean over all orders that the scores allow.
    """
    failed, score, cost = rows
    n = len(failed)
    apfds, apfdcs = [], []
    for order in orders(score):
        places = [i + 1 for i, test in enumerate(order) if failed[test]]
        apfds.append(1 - sum(places) / (n * len(places)) + 1 / (2 * n))
        left = [cost[order[p - 1 :]].sum() - cost[order[p - 1]] / 2 for p in places]
        apfdcs.append(sum(left) / (cost.sum() * len(places)))

    assert ranking.apfd(failed, score) == pytest.approx(np.mean(apfds))
    assert ranking.apfdc(failed, score, cost) == pytest.approx(np.mean(apfdcs))


@given(tests_of_a_build.filter(lambda rows: rows[0].any()), st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_recall_at_cost_by_brute_force(rows, share):
    """
    Recall at a cost counts the failures that finish in time, cheaper tests of a tie first.
    """
    failed, score, cost = rows
    spent, caught = 0.0, 0
    for test in sorted(range(len(failed)), key=lambda i: (-score[i], cost[i], i)):
        spent += cost[test]
        caught += bool(failed[test] and spent <= share * cost.sum() + 1e-9)

    assert ranking.recall_at_cost(failed, score, cost, share=share) == caught / failed.sum()


def test_the_order_of_rows_changes_nothing():
    """
    Ranking metrics do not depend on the order in which tied tests happen to come.
    """
    failed, score = np.array([True, False, False, True]), np.array([0.5, 0.5, 0.5, 0.1])

    assert ranking.apfd(failed, score) == ranking.apfd(failed[::-1], score[::-1])


@pytest.mark.parametrize(
    "value",
    [
        metrics.auc([True], [1.0]),
        metrics.auc([False, False], [1.0, 0.0]),
        metrics.average_precision([False], [0.5]),
        metrics.f1([False], [False]),
        metrics.best_f1_threshold([False], [0.5]),
        metrics.saved_at_recall([False], [0.5]),
        metrics.brier([], []),
        metrics.mae([], []),
        metrics.median_error([], []),
        metrics.expected_calibration_error([], []),
        ranking.apfd([False, False], [1, 0]),
        ranking.apfdc([True], [1.0], [0.0]),
        ranking.recall_at_cost([False], [1.0], [1.0], share=0.5),
    ],
)
def test_what_is_undefined_is_nan(value):
    """
    A metric that its input leaves undefined is NaN, without a warning and without a guess.
    """
    assert isnan(value)
