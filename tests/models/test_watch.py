"""Rolling figures, retraining and live scorecards: what is made of what was said and what came."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.gate import decide
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, MODELS, TEST_INTELLIGENCE
from models.scorecard import Scorecard, ScoredRange
from models.watch import (
    DurationSaid,
    FailureSaid,
    Outcome,
    SelectionSaid,
    decode,
    decode_outcome,
    encode,
    judged,
    left_out,
)
from models.watch_cards import LIVE_POLICIES, live_cards
from models.watch_figures import ENOUGH_BUILDS, rolling
from models.watch_policy import decide_retraining
from tests.history.builders import NOON

seconds = st.floats(0.5, 5_000)
durations = st.lists(
    st.tuples(seconds, seconds, seconds, seconds, st.booleans()), min_size=0, max_size=80
)
failures = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=80)


def card(model, **metrics):
    where = ScoredRange(first_queued_at=NOON, last_queued_at=NOON, rows=100, digest="d")
    return Scorecard(model=model, measured_on=where, metrics=metrics)


@given(durations)
def test_rolling_durations_are_those_of_brute_force(builds):
    """
    Error and coverage are means over the passed builds; with too few of them they are absent.
    """
    rows = [
        (DurationSaid(p10_s=a, p50_s=b, p90_s=c), Outcome(failed=failed, duration_s=actual))
        for a, b, c, actual, failed in builds
    ]

    found = rolling(BUILD_OPTIMIZER, rows, card(BUILD_OPTIMIZER, mae_s=10.0), "shop")

    passed = [row for row in builds if not row[4]]
    assert found["builds"] == len(builds)
    if len(passed) < ENOUGH_BUILDS:
        assert set(found) == {"builds"}
        return
    error = sum(abs(actual - middle) for _, middle, _, actual, _ in passed) / len(passed)
    inside = sum(low <= actual <= high for low, _, high, actual, _ in passed) / len(passed)
    assert found["error"] == pytest.approx(error)
    assert found["error_ratio"] == pytest.approx(error / 10)
    assert found["coverage_ratio"] == pytest.approx(inside)


@given(failures)
def test_rolling_failures_are_those_of_brute_force(builds):
    """
    Brier score, AUC and calibration error are what counting by hand gives, or absent.
    """
    rows = [
        (FailureSaid(probability=p), Outcome(failed=failed, duration_s=1)) for p, failed in builds
    ]

    found = rolling(FAILURE_PREDICTOR, rows, None, "shop")

    good = [p for p, failed in builds if not failed]
    bad = [p for p, failed in builds if failed]
    if len(builds) < ENOUGH_BUILDS:
        assert set(found) == {"builds"}
        return
    assert found["brier"] == pytest.approx(np.mean([(p - f) ** 2 for p, f in builds]))
    gaps = [
        abs(sum(p - f for p, f in builds if min(int(p * 10), 9) == place)) for place in range(10)
    ]
    assert found["calibration_error"] == pytest.approx(sum(gaps) / len(builds))
    assert ("auc" in found) == (min(len(good), len(bad)) >= 5)
    if "auc" in found:
        wins = [(b > g) + (b == g) / 2 for b in bad for g in good]
        assert found["auc"] == pytest.approx(np.mean(wins))
    assert "error_ratio" not in found


tests = st.sets(st.integers(0, 30), max_size=12)


@given(st.lists(st.tuples(tests, tests), max_size=15))
def test_escapes_are_failing_tests_that_were_left_out(builds):
    """
    What escaped is the meeting of what failed with what was left out, over all subsets.
    """
    rows = []
    for skipped, failing in builds:
        said = SelectionSaid(
            gaps=left_out(sorted(skipped)), total=31, time_share=0.5, expected_recall=0.9
        )
        body, numbers = encode(said), np.array(sorted(failing), dtype=np.int32)
        came = judged(TEST_INTELLIGENCE, body, failed=True, duration_s=1.0, failing=numbers)
        rows.append((decode(TEST_INTELLIGENCE, body), decode_outcome(came)))

    found = rolling(TEST_INTELLIGENCE, rows, None, "shop")

    subsets = [(skipped, failing) for skipped, failing in builds if skipped]
    escaped = sum(len(skipped & failing) for skipped, failing in subsets)
    failing = sum(len(failed) for _, failed in subsets)
    assert found.get("escapes", 0) == escaped
    if failing >= 10:
        assert found["recall_ratio"] == pytest.approx(1 - escaped / failing)
    else:
        assert "recall_ratio" not in found


@given(tests)
def test_numbers_of_tests_come_back(skipped):
    """
    Tests left out are kept as distances and come back as numbers.
    """
    said = SelectionSaid(gaps=left_out(list(skipped)), total=31, time_share=1.0)

    assert decode(TEST_INTELLIGENCE, encode(said)).skipped.tolist() == sorted(skipped)


RATIO = {"builds": 200.0, "error_ratio": 1.41}


@pytest.mark.parametrize(
    ("figures", "last", "starts"),
    [
        ({"shop": RATIO}, None, True),
        ({"shop": RATIO}, NOON - timedelta(days=1), True),
        ({"shop": RATIO}, NOON - timedelta(hours=23), False),
        ({"shop": {**RATIO, "error_ratio": 1.25}}, None, False),
        ({"shop": {**RATIO, "builds": 49.0}}, None, False),
        ({"shop": {"builds": 200.0}}, None, False),
        ({}, None, False),
    ],
)
def test_a_model_is_retrained_when_it_is_much_worse(figures, last, starts):
    """
    Beyond the threshold, over enough builds, and at most once a day.
    """
    found = decide_retraining(figures, threshold=1.25, last_started_at=last, now=NOON)

    assert found.start == starts


def test_the_reason_names_project_and_numbers():
    """
    The reason says how much worse, over how many builds, of the project that is furthest beyond.
    """
    figures = {"shop": RATIO, "calm": {**RATIO, "error_ratio": 1.3}}

    found = decide_retraining(figures, threshold=1.25, last_started_at=None, now=NOON)

    said = "rolling error 1.41 of what was promised over 200 builds of shop, beyond 1.25"
    assert found.reason == said


def said_of(model, n, error):
    if model == BUILD_OPTIMIZER:
        return DurationSaid(p10_s=80 + error, p50_s=100 + error, p90_s=120 + error)
    if model == FAILURE_PREDICTOR:
        return FailureSaid(probability=abs((n % 3 == 0) - 0.1 - error / 200))
    return SelectionSaid(gaps=(3,), total=9, time_share=0.5)


def came_of(k, error):
    escaped = int(k % 100 < error)
    return Outcome(failed=k % 3 == 0, duration_s=85 + k % 31, failing=1, escaped=escaped)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("champion", "challenger"), [(0.0, 60.0), (60.0, 0.0), (5.0, 5.0)])
def test_the_gate_compares_live_builds(model, champion, challenger):
    """
    On the same builds a version that erred less, or as much, may be promoted, and one that erred
    more may not.
    """
    n = 60
    outcomes = [(came_of(k, champion), came_of(k, challenger)) for k in range(n)]
    cards = live_cards(
        model,
        [("shop", k, NOON) for k in range(n)],
        [said_of(model, k, champion) for k in range(n)],
        [said_of(model, k, challenger) for k in range(n)],
        outcomes,
    )

    decision = decide(*cards, LIVE_POLICIES[model])

    assert cards[0].measured_on == cards[1].measured_on
    assert decision.promote == (challenger <= champion), decision.reasons
