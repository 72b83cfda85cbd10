from dataclasses import replace

import pytest

from models.gate import POLICIES, Guard, Policy, Rule, decide
from models.names import MODELS
from models.scorecard import from_json, rows_digest, to_json
from tests.models.examples import scorecard

POLICY = Policy(
    main=Rule(metric="mae_s", higher_is_better=False, tolerance=0.1, relative=True),
    others=(Rule(metric="auc", higher_is_better=True, tolerance=0.01),),
    guards=(Guard(metric="coverage", low=0.7, high=0.9),),
    needed_rows=20,
)
BASELINES = {"last": {"mae_s": 12.0}, "mean": {"mae_s": 11.0}, "odd": {"mae_s": None}}


def card(mae_s=10.0, coverage=0.8, auc=0.8, **more):
    return scorecard(
        metrics={"mae_s": mae_s, "coverage": coverage, "auc": auc},
        baselines=more.pop("baselines", BASELINES),
        **more,
    )


@pytest.mark.parametrize(
    ("challenger", "promote", "said"),
    [
        (card(10.0), True, "mae_s 10 beats the baseline mean (11)"),
        (card(11.0), False, "mae_s 11 does not beat the baseline mean (11)"),
        (card(11.5), False, "does not beat the baseline mean"),
        (card(13.0), False, "does not beat the baseline last"),
        (card(None), False, "mae_s could not be measured"),
        (card(coverage=0.69), False, "coverage is 0.69, outside 0.7 to 0.9"),
        (card(coverage=0.91), False, "coverage is 0.91"),
        (card(coverage=None), False, "coverage is nan"),
        (card(coverage=0.7), True, "beats"),
        (card(coverage=0.9), True, "beats"),
        (card(rows=19), False, "only 19 rows were scored, 20 are needed"),
        (card(baselines={}), False, "nothing to beat"),
    ],
)
def test_the_first_champion_beats_the_simple_rules(challenger, promote, said):
    """
    Without a champion a challenger must beat every baseline within its guards, or hears why not.
    """
    decision = decide(None, challenger, POLICY)

    assert decision.promote == promote
    assert said in "; ".join(decision.reasons)


@pytest.mark.parametrize(("mae_s", "promote"), [(10.9, True), (11.4, True), (11.6, False)])
def test_a_policy_may_call_a_small_gap_even(mae_s, promote):
    """
    Where a policy says how much is even, a first champion may fall short of a rule by that much.
    """
    decision = decide(None, card(mae_s), replace(POLICY, even_with_baselines=0.5))

    assert decision.promote == promote
    assert ("is even with the baseline mean" in "; ".join(decision.reasons)) == (mae_s == 11.4)


@pytest.mark.parametrize(
    ("challenger", "promote", "said"),
    [
        (card(9.0), True, "mae_s 9 is better than the champion's 10"),
        (card(10.0), True, "mae_s 10 is not worse than the champion's 10"),
        (card(10.9), True, "not worse"),
        (card(11.1), False, "mae_s 11.1 is worse than the champion's 10 by more than 1"),
        (card(9.0, auc=0.78), False, "auc 0.78 is worse than the champion's 0.8"),
        (card(9.0, auc=0.795), True, "auc 0.795 is not worse"),
        (card(9.0, auc=None), False, "auc could not be measured, the champion's is 0.8"),
        (card(9.0, coverage=0.5), False, "coverage is 0.5"),
        (card(9.0, digest="other"), False, "measured on different builds"),
        (card(9.0, model="failure_predictor"), False, "the challenger failure_predictor"),
        (card(10.5, baselines={"last": {"mae_s": 1.0}}), True, "not worse"),
    ],
)
def test_a_challenger_is_not_worse_than_the_champion(challenger, promote, said):
    """
    With a champion a challenger must be no worse on the same builds, beyond noise.
    """
    decision = decide(card(), challenger, POLICY)

    assert decision.promote == promote
    assert said in "; ".join(decision.reasons)


def test_a_champion_without_the_metric_is_no_obstacle():
    """
    What could not be measured of the champion is not held against the challenger.
    """
    assert decide(card(auc=None), card(9.0), POLICY).promote


def test_every_reason_against_is_given():
    """
    A refusal names everything that is wrong, not only the first.
    """
    decision = decide(None, card(20.0, coverage=0.1, rows=1), POLICY)

    assert len(decision.reasons) == 4


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_a_policy(model):
    """
    There is a policy for each of the three models, with tolerances that are no licence.
    """
    policy = POLICIES[model]

    assert all(rule.tolerance <= 0.05 for rule in (policy.main, *policy.others))


def test_a_scorecard_survives_json():
    """
    A scorecard comes back as it was, undefined metrics included.
    """
    before = card(auc=None, per_project={"a/b": {"mae_s": 1.0}}, positives=12)

    assert from_json(to_json(before)) == before
    assert before.noisy


def test_a_digest_names_rows_and_nothing_else():
    """
    The digest of scored rows ignores their order and notices any other row.
    """
    rows = [("a", 1), ("a", 2), ("b", 1)]

    assert rows_digest(rows) == rows_digest(reversed(rows))
    assert rows_digest(rows) != rows_digest([("a", 1), ("a", 2), ("b", 2)])
    assert rows_digest([("a1", 1)]) != rows_digest([("a", 11)])
