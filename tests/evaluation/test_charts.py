from dataclasses import replace

import numpy as np
import pytest

from evaluation.duration_charts import coverage_over_time, error_against_age
from evaluation.failure_charts import calibration, skipping
from evaluation.ranking_charts import apfd_over_time, recall_against_cost, savings
from models.metrics import saved_at_recall
from tests.evaluation import replays
from training.charts import Role, line


def one(panel, role):
    (found,) = [drawn for drawn in panel.lines if drawn.role is role]
    return found


def test_coverage_is_that_of_the_last_fifty_builds():
    """
    Each point is the share inside among the fifty builds up to it; fewer builds give no picture.
    """
    found = replays.durations(n=80)

    (panel,) = coverage_over_time([found]).panels

    inside = (found.quantiles_s[:, 0] <= found.actual_s) & (
        found.actual_s <= found.quantiles_s[:, 2]
    )
    drawn = one(panel, Role.MODEL)
    assert drawn.x == tuple(range(50, 81))
    assert drawn.y == pytest.approx([inside[end - 50 : end].mean() for end in range(50, 81)])
    assert not coverage_over_time([replays.durations(n=49)]).panels


def test_errors_are_sorted_by_the_age_of_the_model():
    """
    Where builds since the refit are known, a point is about builds of like age.
    """
    found = replays.durations(n=100)
    stale = np.tile(np.arange(10.0), 10)
    actual = found.quantiles_s[:, 1] + 10 * stale
    found = replace(found, actual_s=actual, age_builds=stale)

    chart = error_against_age([found])

    drawn = one(chart.panels[0], Role.MODEL)
    assert chart.x_label == "builds since the model's refit"
    assert drawn.x == tuple(range(10))
    assert drawn.y == pytest.approx([10 * age / np.median(actual) for age in range(10)])
    undated = error_against_age([replace(found, age_builds=None)])
    assert undated.x_label == "builds since the first prediction"


def test_calibration_compares_what_was_said_with_what_came():
    """
    A point is the mean of what was said in a tenth and how often it came; bars are shares.
    """
    said = np.repeat([0.05, 0.55, 0.95], [50, 40, 4])
    failed = np.arange(94) % 2 == 0
    found = replace(replays.failures(n=94), failed=failed, probability=said)

    (panel,) = calibration([found]).panels

    drawn = one(panel, Role.MODEL)
    assert drawn.x == pytest.approx([0.05, 0.55])
    assert drawn.y == pytest.approx([failed[:50].mean(), failed[50:90].mean()])
    assert sum(height for _, _, height in panel.bars) == pytest.approx(1)
    assert panel.bars[9][2] == pytest.approx(4 / 94)


def test_skipping_agrees_with_the_saving_at_a_recall():
    """
    The most builds that miss no more than 5 % of failures are those of `saved_at_recall`.
    """
    found = replays.failures()

    (panel,) = skipping([found]).panels

    drawn = one(panel, Role.MODEL)
    saved = max(x for x, y in zip(drawn.x, drawn.y, strict=True) if y <= 0.05 + 1e-9)
    assert saved == pytest.approx(saved_at_recall(found.failed, found.probability), abs=0.01)


def test_curves_of_tests_start_and_end_where_they_must():
    """
    With no time nothing is found; with all of it everything; the model is above pure chance.
    """
    found = [replays.rankings(n=20)]

    for chart, ends in (
        (recall_against_cost(found, seed=1), (0.0, 1.0)),
        (savings(found, seed=1), (1.0, 0.0)),
    ):
        (panel,) = chart.panels
        ours, chance = one(panel, Role.MODEL), one(panel, Role.RANDOM)
        assert (ours.y[0], ours.y[-1]) == ends
        assert np.mean(ours.x) == pytest.approx(0.5)
        better = np.mean(ours.y) - np.mean(chance.y)
        assert better > 0.1 if ends[0] == 0 else better < -0.1
        assert np.all(np.diff(ours.y) * (ends[1] - ends[0]) >= -1e-12)


def test_targets_are_marked_where_they_landed():
    """
    Each target is a point: the share of time saved and the share of failing builds missed.
    """
    build = replays.rankings(n=30, failing=1.0).builds[0]
    ran = ~build.failed
    found = replace(replays.rankings(n=1), builds=(replace(build, selected={"none": ran}),))

    (panel,) = savings([found], seed=1).panels

    drawn = one(panel, Role.TARGETS)
    assert (drawn.names, drawn.y) == (("none",), (1.0,))
    assert drawn.x == pytest.approx([build.cost_s[build.failed].sum() / build.cost_s.sum()])


def test_apfd_is_drawn_beside_the_best_rule():
    """
    Of the simple rules the one with the best mean is shown; too few builds give no picture.
    """
    found = replays.rankings(n=60)
    worse = tuple(
        replace(build, baselines={**build.baselines, "worse": -build.probability})
        for build in found.builds
    )

    (panel,) = apfd_over_time([replace(found, builds=worse)]).panels

    assert one(panel, Role.RULE).label.startswith("ewma (best rule), mean 0.")
    assert not apfd_over_time([replays.rankings(n=5)]).panels


def test_undefined_points_are_left_out():
    """
    A point that is not finite is not drawn, nor is its name.
    """
    drawn = line("x", Role.TARGETS, [0.0, np.nan, 2.0], [1.0, 1.0, np.inf], ["a", "b", "c"])

    assert (drawn.x, drawn.y, drawn.names) == ((0.0,), (1.0,), ("a",))
