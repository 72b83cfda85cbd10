from dataclasses import replace

import numpy as np
import pytest

from evaluation import ranking_samples
from evaluation.figures import MEAN, Verdict, verdict
from evaluation.measures import Better
from evaluation.replayed import Replayed
from evaluation.results import Published, RankedBuild, Rankings
from evaluation.samples import MODEL
from evaluation.summaries import summarise
from models import metrics
from tests.evaluation import replays

REPEATS = 60


@pytest.fixture(scope="module")
def replayed():
    return replays.replayed()


@pytest.fixture(scope="module")
def summary(replayed):
    return summarise(replayed, seed=1, repeats=REPEATS)


def figure(summary, project, rule, metric):
    (found,) = [
        f for f in summary.figures if (f.project, f.rule, f.metric) == (project, rule, metric)
    ]
    return found


def comparison(summary, project, rule, metric):
    (found,) = [
        c for c in summary.comparisons if (c.project, c.rule, c.metric) == (project, rule, metric)
    ]
    return found


def test_figures_of_durations_are_those_of_the_metrics(replayed, summary):
    """
    A project's figures are the metrics of its predictions, the mean for squared errors.
    """
    shop = replayed.durations[0]
    low, middle, high = shop.quantiles_s.T
    expected = {
        "rmse_s": metrics.rmse(shop.actual_s, shop.mean_s),
        "mae_s": metrics.mae(shop.actual_s, middle),
        "median_error_s": metrics.median_error(shop.actual_s, middle),
        "coverage": metrics.coverage(shop.actual_s, low, high),
        "width_s": float(np.mean(high - low)),
        "relative_width": float(np.median((high - low) / middle)),
    }

    assert {name: figure(summary, "shop", MODEL, name).value for name in expected} == pytest.approx(
        expected
    )


def test_first_and_repeated_failures_are_told_apart(replayed, summary):
    """
    Figures of first failures are about builds whose predecessor had passed, and no other.
    """
    shop = replayed.failures[0]
    for ending, previous in (("_first", 0), ("_repeated", 1)):
        part = shop.previous_failed == previous
        found = figure(summary, "shop", MODEL, f"auc{ending}")

        assert found.value == metrics.auc(shop.failed[part], shop.probability[part])
        assert (found.n, found.positives) == (part.sum(), shop.failed[part].sum())


def test_warnings_and_false_alarms_are_counted(replayed, summary):
    """
    Warned is a share of the failing builds, false alarms one of all builds.
    """
    shop = replayed.failures[0]
    said = shop.probability >= shop.threshold
    failing = [warned for warned, failed in zip(said, shop.failed, strict=True) if failed]
    alarms = [w and not failed for w, failed in zip(said, shop.failed, strict=True)]

    assert figure(summary, "shop", MODEL, "warned").value == sum(failing) / len(failing)
    assert figure(summary, "shop", MODEL, "false_alarms").value == sum(alarms) / len(alarms)


def test_the_mean_over_projects_is_their_mean(summary):
    """
    Every project counts alike in the mean, and its counts add up.
    """
    for metric in ("auc", "rmse_s", "apfd", "selection_recall [recall 0.95]"):
        apart = [figure(summary, name, MODEL, metric) for name in ("shop", "bank")]
        mean = figure(summary, MEAN, MODEL, metric)

        assert mean.value == pytest.approx(np.mean([one.value for one in apart]))
        assert mean.n == sum(one.n for one in apart)


def test_a_figure_lies_in_its_interval(summary):
    """
    Intervals hold the figure that they are about.
    """
    ours = [f for f in summary.figures if f.rule == MODEL and f.metric in ("auc", "ece", "mae_s")]

    assert ours
    assert all(one.low <= one.value <= one.high for one in ours)


def test_the_same_seed_gives_the_same_intervals(replayed, summary):
    """
    Nothing but the seed decides what is drawn; another project in the set changes nothing.
    """
    alone = replace(replayed, durations=replayed.durations[:1], failures=(), rankings=())
    again = summarise(alone, seed=1, repeats=REPEATS)
    other = summarise(alone, seed=2, repeats=REPEATS)

    wanted = figure(summary, "shop", MODEL, "rmse_s")
    assert figure(again, "shop", MODEL, "rmse_s") == wanted
    assert figure(other, "shop", MODEL, "rmse_s").low != wanted.low


def test_better_equal_and_worse_rules_are_told_apart():
    """
    The model beats a much worse rule, is within noise of itself, and worse than a much better one.
    """
    shop = replays.durations(ours=0.2)
    rules = {
        "bad": shop.actual_s * 3,
        "same": shop.quantiles_s[:, 1],
        "good": shop.actual_s * 1.001,
    }
    found = summarise(
        Replayed(data="x", durations=(replace(shop, baselines_s=rules),)), seed=1, repeats=REPEATS
    )

    verdicts = {rule: comparison(found, "shop", rule, "mae_s").verdict for rule in rules}
    assert verdicts == {
        "bad": Verdict.BEATS,
        "same": Verdict.WITHIN_NOISE,
        "good": Verdict.WORSE,
    }
    same = comparison(found, "shop", "same", "mae_s")
    assert (same.ratio, same.value, same.low, same.high) == (True, 1.0, 1.0, 1.0)


def test_a_difference_is_that_of_the_figures(summary):
    """
    Comparisons of one project are the difference, or in seconds the ratio, of its two figures.
    """
    ours, theirs = (figure(summary, "bank", rule, "auc").value for rule in (MODEL, "ewma"))
    assert comparison(summary, "bank", "ewma", "auc").value == pytest.approx(ours - theirs)

    ours, theirs = (figure(summary, "bank", rule, "mae_s").value for rule in (MODEL, "last_run"))
    assert comparison(summary, "bank", "last_run", "mae_s").value == pytest.approx(ours / theirs)


def test_too_few_failures_are_noise_and_decide_nothing():
    """
    With fewer than 30 positives every figure about failures is marked, and no verdict is given.
    """
    few = Replayed(
        data="x", failures=(replays.failures(n=60, rate=0.2),), rankings=(replays.rankings(n=20),)
    )

    found = summarise(few, seed=1, repeats=REPEATS)

    counted = [f for f in found.figures if f.positives is not None]
    assert counted
    assert all(f.noise for f in counted)
    assert {c.verdict for c in found.comparisons} == {Verdict.WITHIN_NOISE}


def test_published_numbers_stand_beside_ours(replayed, summary):
    """
    A number in print is judged by our interval; one of a project that was not measured is left out.
    """
    printed = figure(summary, "shop", "their XGBoost", "rmse_s")
    assert (printed.value, printed.n, np.isnan(printed.low)) == (90.0, 0, True)
    assert comparison(summary, "shop", "their XGBoost", "rmse_s").verdict is Verdict.BEATS

    elsewhere = Published(rule="theirs", metric="auc", values={"nowhere": 0.9, "": 0.99})
    found = summarise(replace(replayed, published=(elsewhere,)), seed=1, repeats=REPEATS)
    theirs = [f for f in found.figures if f.rule == "theirs"]
    assert [(f.project, f.value) for f in theirs] == [(MEAN, 0.99)]
    assert comparison(found, MEAN, "theirs", "auc").verdict is Verdict.WORSE


def test_subsets_are_counted_as_a_reader_would():
    """
    Recall, missed builds, time saved and APFD of builds small enough to count by hand.
    """
    builds = (
        _build([1, 0, 0, 0, 0, 0], ran=[1, 0, 0, 0, 0, 0]),
        _build([1, 1, 0, 0, 0, 0], ran=[1, 0, 1, 0, 0, 0]),
        _build([0, 0, 0, 0, 0, 1], ran=[1, 1, 1, 1, 1, 0]),
        _build([0, 0, 0, 0, 0, 0], ran=[1, 1, 1, 1, 1, 1], why="no history"),
        _build([1, 0], ran=[0, 1]),
    )

    sample = ranking_samples.sample(Rankings(project="shop", builds=builds))
    found = sample.rules[MODEL](np.arange(5))

    assert found["selection_recall [half]"] == pytest.approx((1 + 0.5 + 0 + 0) / 4)
    assert found["selection_missed [half]"] == 2 / 4
    assert found["selection_saved [half]"] == pytest.approx((5 + 4 + 1 + 0 + 1) / 26)
    assert found["selection_run_all [half]"] == 1 / 5
    assert found["apfd"] == pytest.approx(np.mean([11 / 12, 10 / 12, 1 / 12]))
    assert found["caught_at_20_percent"] == pytest.approx(2 / 3)
    assert found["recall_at_20_percent"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert sample.sizes["apfd"].n == 3
    assert sample.sizes["selection_missed [half]"].n == 4


@pytest.mark.parametrize(
    ("ends", "better", "ratio", "expected"),
    [
        ((0.01, 0.02), Better.HIGHER, False, Verdict.BEATS),
        ((0.01, 0.02), Better.LOWER, False, Verdict.WORSE),
        ((-0.01, 0.02), Better.HIGHER, False, Verdict.WITHIN_NOISE),
        ((0.7, 0.9), Better.LOWER, True, Verdict.BEATS),
        ((1.1, 1.2), Better.LOWER, True, Verdict.WORSE),
        ((float("nan"), float("nan")), Better.HIGHER, False, Verdict.WITHIN_NOISE),
    ],
)
def test_a_verdict_needs_an_interval_on_one_side(ends, better, ratio, expected):
    """
    Only an interval that leaves no doubt about the direction is a verdict, and never of noise.
    """
    assert verdict(*ends, better=better, ratio=ratio, noise=False) is expected
    assert verdict(*ends, better=better, ratio=ratio, noise=True) is Verdict.WITHIN_NOISE


def _build(failed, *, ran, why=""):
    """Tests of a second each, said to fail the less likely the later they stand."""
    m = len(failed)
    return RankedBuild(
        queued_at=0.0,
        failed=np.array(failed, dtype=bool),
        probability=1 - np.arange(m) / 10,
        cost_s=np.ones(m),
        expected_s=np.ones(m),
        baselines={},
        selected={"half": np.array(ran, dtype=bool)},
        run_all={"half": why},
    )
