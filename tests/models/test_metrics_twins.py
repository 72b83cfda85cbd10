"""The metrics that matter, computed a second time: by hand, or by scipy."""

from fractions import Fraction
from itertools import pairwise, permutations
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from models import metrics, ranking

scores = st.one_of(
    st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.6, 0.7, 1.0]),
    st.floats(0, 1),
    st.just(0.5),
)
tables = st.integers(1, 60).flatmap(
    lambda n: st.tuples(
        st.one_of(
            st.lists(st.booleans(), min_size=n, max_size=n),
            st.sampled_from([[False] * n, [True] * n]),
        ),
        st.one_of(st.lists(scores, min_size=n, max_size=n), scores.map(lambda one: [one] * n)),
    )
)
intervals = st.lists(
    st.tuples(*[st.sampled_from([0.0, 1.0, 1.5, 2.0]) | st.floats(-5, 5)] * 3), min_size=1
)
suites = st.integers(1, 6).flatmap(
    lambda n: st.tuples(
        st.lists(st.booleans(), min_size=n, max_size=n),
        st.lists(st.sampled_from([0.0, 0.2, 0.2, 0.9]), min_size=n, max_size=n),
        st.lists(st.sampled_from([0.0, 0.5, 1.0, 7.0]), min_size=n, max_size=n),
    )
)


def same(one, other):
    """Whether two numbers are close, or both undefined."""
    return (isnan(one) and isnan(other)) or one == pytest.approx(other, abs=1e-9)


@given(tables)
def test_auc_counts_pairs(table):
    """
    AUC is the share of pairs in which the positive scores higher, a tie being half a win.
    """
    truth, score = table
    up = [s for t, s in zip(truth, score, strict=True) if t]
    down = [s for t, s in zip(truth, score, strict=True) if not t]
    wins = sum((a > b) + (a == b) / 2 for a in up for b in down)

    assert same(metrics.auc(truth, score), wins / len(up) / len(down) if up and down else nan)
    if up and down:
        u = stats.mannwhitneyu(up, down).statistic
        assert same(metrics.auc(truth, score), u / len(up) / len(down))


@given(tables)
def test_average_precision_walks_down_the_scores(table):
    """
    Average precision is precision at each distinct score, weighted by the recall it adds.
    """
    truth, score = table
    total, found = 0.0, 0
    for cut in sorted(set(score), reverse=True):
        shown = [t for t, s in zip(truth, score, strict=True) if s >= cut]
        total += sum(shown) / len(shown) * (sum(shown) - found)
        found = sum(shown)

    assert same(metrics.average_precision(truth, score), total / found if found else nan)


@given(tables)
def test_brier_is_the_mean_squared_distance(table):
    """
    Brier score is the mean of (said - happened) squared, with one class as well.
    """
    truth, said = table
    exact = sum((Fraction(s) - t) ** 2 for t, s in zip(truth, said, strict=True)) / len(truth)

    assert same(metrics.brier(truth, said), float(exact))


@given(tables, st.integers(1, 20))
def test_calibration_error_goes_by_bins(table, bins):
    """
    Calibration error gathers rows into equally wide bins, the last one closed at 1.
    """
    truth, said = np.array(table[0]), np.array(table[1])
    error = 0.0
    for b in range(bins):
        inside = (said * bins >= b) & ((said * bins < b + 1) | (b == bins - 1))
        if inside.any():
            error += inside.mean() * abs(said[inside].mean() - truth[inside].mean())

    assert same(metrics.expected_calibration_error(truth, said, bins=bins), error)


@given(tables)
def test_best_threshold_by_trying_all(table):
    """
    The threshold is the highest of those scores with the best F1 there is.
    """
    truth, score = np.array(table[0]), np.array(table[1])
    best, best_f1 = nan, -1.0
    for cut in sorted(set(score.tolist()), reverse=True):
        hit = int((truth & (score >= cut)).sum())
        found = 2 * hit / (truth.sum() + (score >= cut).sum())
        if found > best_f1:
            best, best_f1 = cut, found

    assert same(metrics.best_f1_threshold(truth, score), best if truth.any() else nan)


@given(tables, st.sampled_from([0.5, 0.9, 0.95, 1.0]))
def test_builds_saved_by_trying_all(table, recall):
    """
    Builds are left out up to the highest score at which enough failures are caught.
    """
    truth, score = np.array(table[0]), np.array(table[1])
    saved = nan
    for cut in sorted(set(score.tolist())):
        if truth.any() and truth[score >= cut].sum() >= recall * truth.sum() - 1e-9:
            saved = float((score < cut).mean())

    assert same(metrics.saved_at_recall(truth, score, recall=recall), saved)


@given(intervals)
def test_coverage_counts(rows):
    """
    Coverage is the share of values within their interval, borders included; NaN covers nothing.
    """
    inside = sum(low <= y <= high for y, low, high in rows)
    y, low, high = map(list, zip(*rows, strict=True))

    assert same(metrics.coverage(y, low, high), inside / len(rows))
    assert metrics.coverage(y, [nan] * len(y), high) == 0.0


@given(intervals, st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_pinball_loss_by_its_two_branches(rows, first, second):
    """
    Pinball loss weighs a value above its quantile by the level, one below by the rest.
    """
    total = 0.0
    for y, *quantiles in rows:
        for quantile, level in zip(quantiles, (first, second), strict=True):
            total += level * (y - quantile) if y >= quantile else (1 - level) * (quantile - y)
    y = [row[0] for row in rows]

    said = metrics.pinball(y, [row[1:] for row in rows], levels=(first, second))

    assert same(said, total / len(rows) / 2)


@given(st.lists(st.sampled_from([0.0, 1.0, 2.5]) | st.floats(-9, 9), min_size=1))
def test_mid_ranks_are_those_of_scipy(values):
    """
    Ties share the mean of their ranks.
    """
    np.testing.assert_array_equal(metrics.mid_ranks(values), stats.rankdata(values))


def by_falling(score):
    """Give every order of indices that runs by falling score."""
    for order in permutations(range(len(score))):
        if all(score[a] >= score[b] for a, b in pairwise(order)):
            yield order


@given(suites)
def test_apfd_by_area(suite):
    """
    APFD is the area under detected faults over tests run, averaged over all orders of ties.
    """
    failed, score, _ = suite
    areas = []
    for order in by_falling(score):
        detected, area = 0, Fraction(0)
        for test in order:  # each step a trapezium of width 1/n
            before = detected
            detected += failed[test]
            area += Fraction(before + detected, 2)
        areas.append(area / len(order) / sum(failed) if any(failed) else None)

    expected = float(sum(areas) / len(areas)) if any(failed) else nan
    assert same(ranking.apfd(failed, score), expected)


@given(suites)
def test_apfdc_by_area(suite):
    """
    APFDc is the same area over cost, a fault being found in the middle of its test.
    """
    failed, score, cost = suite
    areas = []
    for order in by_falling(score):
        spent, left = 0.0, []
        for test in order:
            if failed[test]:
                left.append(sum(cost) - spent - cost[test] / 2)
            spent += cost[test]
        areas.append(np.mean(left) / sum(cost) if left and sum(cost) else nan)

    assert same(ranking.apfdc(failed, score, cost), float(np.mean(areas)))


@given(suites, st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]))
def test_recall_at_cost_by_running_tests(suite, share):
    """
    Tests run by falling score, cheap ones of a tie first, until one would not finish in time.
    """
    failed, score, cost = suite
    left, caught = share * sum(cost) * (1 + 1e-9), 0
    for test in sorted(range(len(cost)), key=lambda i: (-score[i], cost[i])):
        left -= cost[test]
        if left < -1e-12:
            break
        caught += failed[test]

    expected = caught / sum(failed) if any(failed) else nan
    assert same(ranking.recall_at_cost(failed, score, cost, share=share), expected)


@given(tables, st.randoms(use_true_random=False))
def test_the_order_of_rows_says_nothing(table, random):
    """
    No classification metric changes when rows are shuffled, ties or not.
    """
    rows = list(zip(*table, strict=True))
    random.shuffle(rows)
    truth, score = map(list, zip(*rows, strict=True))

    for metric in (
        metrics.auc,
        metrics.average_precision,
        metrics.brier,
        metrics.expected_calibration_error,
        metrics.best_f1_threshold,
        metrics.saved_at_recall,
    ):
        assert same(metric(*table), metric(truth, score))


@given(tables.filter(lambda table: 0 < sum(table[0]) < len(table[0])))
def test_a_constant_score_is_worth_nothing(table):
    """
    One score for all rows has AUC 1/2, the base rate as precision, and saves nothing.
    """
    truth = table[0]
    score = [0.3] * len(truth)

    assert metrics.auc(truth, score) == 0.5
    assert same(metrics.average_precision(truth, score), sum(truth) / len(truth))
    assert metrics.saved_at_recall(truth, score) == 0.0
    assert metrics.best_f1_threshold(truth, score) == 0.3
