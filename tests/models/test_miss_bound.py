import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.claims import PastBuild, claims, prefix
from models.miss_bound import builds_needed, claim_for, misses_allowed, realised
from models.miss_table import NEWEST, MissTable
from tests.models.examples import manifest

rates = st.floats(0.005, 0.6)
needs = st.lists(st.sampled_from([0.0, 0.3, 0.9, 1.0]) | st.floats(0, 1), max_size=120).map(
    lambda values: np.array(values, dtype=float)
)


@given(rates)
def test_how_many_builds_it_takes(rate):
    """
    With one build fewer than needed nothing can be promised, and with as many it can.
    """
    needed = builds_needed(rate)

    assert claim_for(np.full(needed, 0.5), rate) == 0.5
    assert claim_for(np.full(needed - 1, 0.5), rate) is None
    assert needed == max(1, np.ceil(1 / rate - 1 - 1e-9))


@given(st.integers(1, 400), rates)
def test_the_next_build_counts_as_a_miss(builds, rate):
    """
    With the next build as one more miss the rate still holds, and with two more it would not.
    """
    allowed = misses_allowed(builds, rate)

    assert allowed < 0 or (allowed + 1) / (builds + 1) <= rate + 1e-9
    assert (allowed + 2) / (builds + 1) > rate - 1e-9


@given(needs, st.tuples(rates, rates).map(sorted))
def test_a_smaller_rate_never_claims_less(needed, two):
    """
    Who wants fewer misses gets at least the tests of who bears more, or no promise at all.
    """
    strict, lax = (claim_for(needed, rate) for rate in two)

    if strict is not None:
        assert lax is not None
        assert strict >= lax


@given(needs, rates)
def test_the_rate_holds_on_the_past(needed, rate):
    """
    Of the builds that a claim was chosen on, no more than the rate would have been missed.
    """
    claim = claim_for(needed, rate)

    assert (claim is None) == (needed.size < builds_needed(rate))
    if claim is not None:
        assert (needed > claim).mean() <= rate


@given(needs, needs, rates)
def test_what_was_realised_is_not_rewritten(needed, later, rate):
    """
    What comes later changes nothing about how earlier builds were answered.
    """
    before, after = realised(needed, rate), realised(np.concatenate([needed, later]), rate)

    assert before.misses <= after.misses <= before.misses + after.builds - before.builds
    assert before.builds <= after.builds <= before.builds + later.size
    assert (before.rate is None) == (before.builds == 0)


def test_it_holds_on_the_next_build():
    """
    Of builds drawn one by one, the next one is missed at the stated rate at most, and not never.
    """
    rng = np.random.default_rng(3)
    true_rates = [1 - claim_for(rng.random(100), 0.1) for _ in range(400)]

    assert np.mean(true_rates) <= 0.1
    assert np.mean(np.array(true_rates) <= 0.1) > 0.8
    assert np.mean(true_rates) > 0.03


def test_the_newest_builds_have_to_agree():
    """
    When tests become harder to choose, the claim follows the newest builds, not the mean of all.
    """
    easy, hard = np.full(300, 0.1), np.full(60, 0.9)

    assert claim_for(easy, 0.1) == 0.1
    assert claim_for(np.concatenate([easy, hard[:20]]), 0.1) == 0.9
    assert np.quantile(np.concatenate([easy, hard[:20]]), 0.9) == 0.1


def past(probability, failed, **more):
    return PastBuild(probability=np.array(probability), failed=np.array(failed), **more)


@pytest.mark.parametrize(
    ("build", "needed"),
    [
        (past([0.6, 0.3, 0.1], [True, False, True]), 0.0),
        (past([0.6, 0.3, 0.1], [False, False, True]), 0.9),
        (past([0.6, 0.3, 0.1], [False, True, True]), 0.6),
        (past([0.6, 0.3, 0.1], [False, False, False]), None),
        (past([0.6, 0.3, 0.1], [False, False, True], always=np.array([False, False, True])), 0),
        (past([0.6, 0.3, np.nan], [False, False, True]), 0),
        (past([0.6, 0.3, 0.1], [True, False, True], flaky=np.array([True, False, False])), 0.9),
        (past([0.6, 0.3, 0.1], [True, False, False], flaky=np.array([True, False, False])), None),
        (past([0.5, 0.5], [True, False], expected_s=np.array([2.0, 1.0])), 0.5),
        (past([0.5, 0.5, 0.0], [False, False, True]), 1.0),
    ],
    ids=[
        "first",
        "last",
        "either",
        "green",
        "always in",
        "unknown",
        "flaky beside",
        "flaky only",
        "dearer",
        "no chance",
    ],
)
def test_what_a_build_needs(build, needed):
    """
    The claim needed is that of the first test to catch, without those of flaky tests.
    """
    assert build.needed() == (None if needed is None else pytest.approx(needed, abs=1e-9))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=20))
def test_no_smaller_claim_would_do(tests):
    """
    A subset with the claim needed holds a failing test, and none with a smaller one does.
    """
    chance, failed = (np.array(column) for column in zip(*tests, strict=True))
    build = PastBuild(probability=chance.astype(float), failed=failed)
    claim, order = build.needed(), build.order()
    if claim is None:
        return
    claimed = claims(build.probability, order)

    assert failed[order[: prefix(claimed, claim)]].any()
    assert claim == 0 or not failed[order[: prefix(claimed, np.nextafter(claim, 0))]].any()


def test_projects_do_not_vouch_for_one_another():
    """
    Each project has its own past failing builds, the newest of them, and they survive a manifest.
    """
    builds = [past([0.9, 0.1], [i % 2 == 0, i % 2 == 1], project="a/b") for i in range(NEWEST + 50)]
    table = MissTable.measure([*builds, past([1.0, 0.0], [True, False], project="c")])
    read = MissTable.from_manifest(manifest(calibration=table.to_calibration()))

    assert (read.builds("a/b"), read.builds("c"), read.builds("nobody")) == (NEWEST, 1, 0)
    assert read.claim_for("a/b", 0.6) == table.claim_for("a/b", 0.6)
    assert read.claim_for("c", 0.1) is None
    assert read.missed_by("a/b", 0.5).rate == 0.5
