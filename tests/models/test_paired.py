import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import metrics
from models.gate import POLICIES, Decision, decide
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR
from models.paired import ENOUGH_ROWS, Comparison, RowScores, compare
from models.resampling import resamples, weights
from models.verdicts import holm, surely_worse
from tests.models.examples import scorecard

MAE = {"mae_s": False}
RULES = POLICIES[BUILD_OPTIMIZER].rules


def scores(errors, *, project="shop", **more):
    n = len(errors)
    projects = np.array([project] * n if isinstance(project, str) else project, dtype=object)
    sequence = np.arange(n, dtype=np.int64)
    values = {"mae_s": np.asarray(errors, dtype=np.float64)}
    return RowScores(project=projects, sequence=sequence, values=values, **more)


def classed(positive, probability):
    positive = np.asarray(positive, dtype=np.bool_)
    probability = np.asarray(probability, dtype=np.float64)
    return scores(np.zeros(len(positive)), positive=positive, probability=probability)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.3, 0.35, 0.9, 1.0])), min_size=2
    ),
    st.integers(0, 2**32),
)
def test_weights_measure_what_rows_would(rows, seed):
    """
    A metric by weights is the metric of the drawn rows themselves, ties and repeats included.
    """
    positive, probability = map(np.array, zip(*rows, strict=True))
    scored, n = classed(positive, probability), len(rows)
    drawn = resamples(n, repeats=3, block=2, rng=np.random.default_rng(seed))
    counted = weights(n, repeats=3, block=2, rng=np.random.default_rng(seed))
    whole = np.arange(n)

    for name, by_rows in (
        ("auc", metrics.auc),
        ("ece", metrics.expected_calibration_error),
    ):
        expected = [by_rows(positive[each], probability[each]) for each in drawn]
        np.testing.assert_allclose(scored.measure(name, whole)(counted), expected, atol=1e-9)


def test_equal_models_are_even():
    """
    A model compared with itself differs by nothing, and nothing speaks against it.
    """
    one = scores(np.random.default_rng(0).random(100))
    overall, own = compare(one, one, MAE)

    assert (overall.worse_by, overall.low, overall.high) == (0, 0, 0)
    assert (overall.project, own.project) == (None, "shop")
    assert not list(surely_worse([overall, own], RULES))


@pytest.mark.parametrize(("factor", "promote"), [(0.9, True), (1.0, True), (1.1, False)])
def test_a_sure_difference_decides(factor, promote):
    """
    What is worse on every build is refused with its numbers; what is better says by how much.
    """
    errors = 60 + np.random.default_rng(1).random(200)
    compared = compare(scores(errors), scores(errors * factor), MAE)

    decision = decided(compared)

    assert decision.promote == promote
    assert "90 % interval" in decision.reasons[0]
    assert (": better" in decision.reasons[0]) == (factor < 1)


def test_noise_on_few_builds_refuses_nobody():
    """
    A challenger that is worse by chance on some builds and better on others passes.
    """
    rng = np.random.default_rng(2)
    errors = 100 + rng.exponential(60, 100)
    compared = compare(scores(errors), scores(errors + rng.normal(2.5, 20, 100)), MAE)

    assert compared[0].worse_by > 0.01 * compared[0].champion
    assert decided(compared).promote


def test_a_large_loss_on_few_builds_is_not_excused():
    """
    However few builds there are, a challenger that is much worse on them is refused.
    """
    rng = np.random.default_rng(3)
    errors = rng.exponential(60, 30)
    worse = np.where(rng.random(30) < 0.1, errors * 8, errors)

    assert not decided(compare(scores(errors), scores(worse), MAE)).promote


def test_one_bad_project_among_many_is_found_and_named():
    """
    A challenger that is better over all and much worse for one team is refused, with the team.
    """
    rng = np.random.default_rng(4)
    projects = np.repeat([f"p{n}" for n in range(50)], ENOUGH_ROWS)
    errors = rng.exponential(60, len(projects))
    factor = np.where(projects == "p7", 1.5, 0.9)

    decision = decided(
        compare(scores(errors, project=projects), scores(errors * factor, project=projects), MAE)
    )

    assert not decision.promote
    assert [reason.split()[1] for reason in decision.reasons] == ["p7"]


def test_many_projects_refuse_nobody_by_chance():
    """
    Among two hundred projects of an equal challenger some look worse; Holm's procedure lets it be.
    """
    rng = np.random.default_rng(5)
    projects = np.repeat([f"p{n}" for n in range(200)], ENOUGH_ROWS)
    shared = rng.exponential(60, len(projects))
    one, other = (np.abs(shared + rng.normal(0, 30, len(projects))) for _ in range(2))

    compared = compare(scores(one, project=projects), scores(other, project=projects), MAE)

    assert any(c.chance < 0.05 for c in compared if c.project is not None)
    assert decided(compared).promote


def test_small_projects_are_judged_with_the_others():
    """
    A project with too few builds for an opinion of its own has none.
    """
    projects = ["big"] * ENOUGH_ROWS + ["small"] * (ENOUGH_ROWS - 1)
    one = scores(np.ones(len(projects)), project=projects)

    assert [c.project for c in compare(one, one, MAE)] == [None, "big"]


def test_other_rows_are_not_compared():
    """
    Models that were asked about different builds are not compared row by row.
    """
    assert compare(scores(np.ones(60)), scores(np.ones(60), project="other"), MAE) == ()


def test_coverage_counts_both_ways():
    """
    An interval that holds too much is as far from its promise as one that holds too little.
    """
    held = [np.arange(100) < n for n in (80, 70, 95)]
    right, narrow, wide = (scores(np.ones(100), covered=covered) for covered in held)
    gaps = [compare(right, one, {"coverage_gap": False})[0].challenger for one in (narrow, wide)]

    assert gaps == pytest.approx([0.1, 0.15])


def test_a_metric_that_cannot_be_measured_is_no_obstacle():
    """
    Where nothing failed there is no AUC of either, and it speaks against nobody.
    """
    none = classed(np.zeros(60), np.linspace(0, 1, 60))
    policy = POLICIES[FAILURE_PREDICTOR]
    compared = compare(none, none, policy.metrics)

    assert np.isnan(compared[0].champion)
    assert not list(surely_worse(compared, policy.rules))


def test_what_is_neither_better_nor_fresher_is_refused():
    """
    A challenger with nothing new to it changes nothing; a fresher one that is even takes over.
    """
    compared = compare(scores(np.ones(60)), scores(np.ones(60)), MAE)

    stale, fresh = (decided(compared, fresher=fresher) for fresher in (False, True))

    assert "no newer build" in stale.reasons[0]
    assert not stale.promote
    assert fresh.promote
    assert "learned from newer builds" in fresh.reasons[-1]


@pytest.mark.parametrize(
    ("chances", "found"),
    [([0.04], 1), ([0.04, 0.5], 0), ([0.001, 0.02, 0.9], 2), ([], 0), ([0.03, 0.04], 0)],
)
def test_holm(chances, found):
    """
    Chances are compared with ever larger parts of five percent until one is too large.
    """
    assert len(holm([comparison(chance) for chance in chances])) == found


def comparison(chance):
    return Comparison(
        metric="mae_s",
        project="p",
        rows=60,
        champion=1.0,
        challenger=2.0,
        worse_by=1.0,
        low=0.5,
        high=1.5,
        chance=chance,
    )


def decided(compared, *, fresher=True) -> Decision:
    card = scorecard(
        model=BUILD_OPTIMIZER, metrics={"mae_s": 60.0, "coverage": 0.8}, rows=1000, baselines={}
    )
    return decide(card, card, POLICIES[BUILD_OPTIMIZER], paired=compared, fresher=fresher)
