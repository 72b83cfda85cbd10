"""Champion and challenger on the same live builds: the two scorecards that the gate compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import numpy as np

from models.gate import POLICIES, Policy, Rule
from models.metrics import auc, brier, coverage, expected_calibration_error, mae, pinball
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE
from models.scorecard import Scorecard, ScoredRange, rows_digest
from models.watch import DurationSaid, FailureSaid, Outcome, Said, SelectionSaid

_LEVELS = (0.1, 0.5, 0.9)

LIVE_POLICIES: Mapping[str, Policy] = {
    BUILD_OPTIMIZER: POLICIES[BUILD_OPTIMIZER],
    FAILURE_PREDICTOR: POLICIES[FAILURE_PREDICTOR],
    TEST_INTELLIGENCE: Policy(
        main=Rule(metric="recall", higher_is_better=True, tolerance=0.01),
        others=(Rule(metric="time_share", higher_is_better=False, tolerance=0.05),),
    ),
}
"""What a challenger has to show on live builds; of subsets, what they caught and what they cost."""


def live_cards(
    model: str,
    builds: Sequence[tuple[str, int, datetime]],
    champion: Sequence[Said],
    challenger: Sequence[Said],
    outcomes: Sequence[tuple[Outcome, Outcome]],
) -> tuple[Scorecard, Scorecard] | None:
    """Return the scorecards of two versions on the same builds (n).

    Args:
        model: One of `models.names.MODELS`.
        builds: Project, number of the event that told the outcome, and when it was predicted.
        champion: What the champion said of each.
        challenger: What the challenger said of each.
        outcomes: What came of each, for the champion's words and the challenger's.

    Returns:
        `None` without builds that count: only passed ones tell of durations.
    """
    use = [
        place
        for place, (came, _) in enumerate(outcomes)
        if model != BUILD_OPTIMIZER or not came.failed
    ]
    if not use:
        return None
    times = [builds[place][2] for place in use]
    where = ScoredRange(
        first_queued_at=min(times),
        last_queued_at=max(times),
        rows=len(use),
        digest=rows_digest((builds[place][0], builds[place][1]) for place in use),
    )
    sides = (
        ([champion[place] for place in use], [outcomes[place][0] for place in use]),
        ([challenger[place] for place in use], [outcomes[place][1] for place in use]),
    )
    first, second = (
        Scorecard(model=model, measured_on=where, metrics=_measured(model, said, came))
        for said, came in sides
    )
    return first, second


def _measured(model: str, said: Sequence[Said], came: Sequence[Outcome]) -> dict[str, float | None]:
    if model == BUILD_OPTIMIZER:
        found = _durations(cast("Sequence[DurationSaid]", said), came)
    elif model == FAILURE_PREDICTOR:
        found = _failures(cast("Sequence[FailureSaid]", said), came)
    else:
        found = _subsets(cast("Sequence[SelectionSaid]", said), came)
    return {name: float(value) if np.isfinite(value) else None for name, value in found.items()}


def _durations(said: Sequence[DurationSaid], came: Sequence[Outcome]) -> dict[str, Any]:
    actual = np.array([outcome.duration_s for outcome in came])
    told = np.array([(one.p10_s, one.p50_s, one.p90_s) for one in said])
    return {
        "mae_s": mae(actual, told[:, 1]),
        "pinball_s": pinball(actual, told, levels=_LEVELS),
        "coverage": coverage(actual, told[:, 0], told[:, 2]),
    }


def _failures(said: Sequence[FailureSaid], came: Sequence[Outcome]) -> dict[str, Any]:
    failed = np.array([outcome.failed for outcome in came])
    told = np.array([one.probability for one in said])
    return {
        "auc": auc(failed, told),
        "brier": brier(failed, told),
        "ece": expected_calibration_error(failed, told),
    }


def _subsets(said: Sequence[SelectionSaid], came: Sequence[Outcome]) -> dict[str, Any]:
    failing = sum(outcome.failing for outcome in came)
    escaped = sum(outcome.escaped for outcome in came)
    return {
        "recall": 1 - escaped / failing if failing else float("nan"),
        "time_share": float(np.mean([one.time_share for one in said])),
    }
