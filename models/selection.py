"""Which tests to run: a pure function from probabilities, durations and rules to a subset.

Order: by falling probability; of a tie the cheaper test first, then the name. By time (a share of
it, or seconds) the order is falling probability over the square root of the duration, unless the
caller chooses otherwise. A subset is always a prefix of its order plus the tests that are always
in, so that a larger budget never drops a test.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from devmind.errors import InvalidInput
from models.claims import by_probability, claims, prefix
from models.miss_bound import Realised
from models.must_run import matching
from models.recall_table import RecallTable
from models.run_all import nothing_to_go_by, per_cent, reason_to_run_all
from models.subset import (
    Budget,
    Candidates,
    Cause,
    Confidence,
    Floats,
    MissRate,
    Selection,
    Target,
    TimeShare,
)

__all__ = [
    "RECENT_RUNS",
    "Budget",
    "Candidates",
    "Cause",
    "Confidence",
    "MissRate",
    "Selection",
    "Target",
    "TimeShare",
    "reason_to_run_all",
    "select",
]

RECENT_RUNS = 3
"""A test that failed within its last so many runs is always in."""


def select(  # noqa: PLR0913 - everything a decision hangs on, each named by the caller
    candidates: Candidates,
    target: Target,
    *,
    table: RecallTable | None,
    must_run: Sequence[str] = (),
    run_all_reason: str = "",
    per_cost: bool | None = None,
    project: str = "",
) -> Selection:
    """Choose tests to run.

    Args:
        candidates: All tests that could run.
        target: What to aim at.
        table: Measured recall and misses, from the model's bundle.
        must_run: `fnmatch` patterns of tests that are always in.
        run_all_reason: Given when no subset may be chosen (`reason_to_run_all`).
        per_cost: Whether probability is weighed against duration; by default for time targets.
        project: Whose past failing builds count for a miss rate.

    Raises:
        InvalidInput: If the target is outside its range.
    """
    _refuse_odd(target)
    costs = candidates.costs()
    causes = _always(candidates, must_run)
    chance = np.where(np.isnan(candidates.probability), 0.0, candidates.probability)
    weighed = not isinstance(target, Confidence) if per_cost is None else per_cost
    weighed = weighed and not isinstance(target, MissRate)  # its bound was measured without
    score = chance / np.sqrt(np.maximum(costs, 1e-3)) if weighed else chance
    order = _order(score, costs, candidates.names)
    reason = run_all_reason or nothing_to_go_by(candidates, target, table, project)
    if reason:
        causes[causes == Cause.LEFT_OUT] = Cause.RUN_ALL
    elif isinstance(target, Confidence | MissRate):
        count = prefix(claims(chance, order), _claim(target, table, project))
        _choose(causes, order[:count])
    else:
        _aim_at_time(causes, costs, order, target)
    chosen = causes[order] != Cause.LEFT_OUT
    selected, skipped = order[chosen], order[~chosen]
    claim = _claimed(chance, selected) if skipped.size else None
    realised = _realised(target, claim, table, project)
    return Selection(
        candidates=candidates,
        selected=selected,
        skipped=skipped,
        causes=causes,
        run_all_reason=reason,
        expected_recall=_expected_recall(claim, table),
        expected_miss_rate=realised.rate if skipped.size else 0.0,
        failing_builds=realised.builds,
        selected_s=float(costs[selected].sum()),
        total_s=float(costs.sum()),
        remark="" if reason else _remark(causes, costs, target, realised),
    )


def _order(score: Floats, costs: Floats, names: Sequence[str]) -> NDArray[np.intp]:
    """Indices by falling score; of a tie the cheaper first, then by name."""
    order = by_probability(score, costs)
    tied = _ties(score, costs, order)
    if not tied.any():
        return order  # no two alike, so that names need not be put in order
    alike = order[tied]
    place = np.zeros(len(names), dtype=np.intp)
    place[sorted(alike.tolist(), key=names.__getitem__)] = np.arange(alike.size)
    return by_probability(score, costs, place)


def _ties(score: Floats, costs: Floats, order: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Say which places of *order* (n,) are no better than the one before or after."""
    scores, cheap = score[order], costs[order]
    same = (scores[1:] == scores[:-1]) & (cheap[1:] == cheap[:-1])
    tied = np.zeros(order.size, dtype=np.bool_)
    tied[1:] |= same
    tied[:-1] |= same
    return tied


def _refuse_odd(target: Target) -> None:
    if isinstance(target, Budget):
        if not (target.seconds >= 0 and np.isfinite(target.seconds)):
            raise InvalidInput("target seconds", target.seconds, "Give 0 or more.")
        return
    if isinstance(target, MissRate):
        if not 0 < target.rate < 1:
            raise InvalidInput("target miss rate", target.rate, "Give more than 0, less than 1.")
        return
    share = target.recall if isinstance(target, Confidence) else target.share
    if not 0 < share <= 1:
        what = "confidence" if isinstance(target, Confidence) else "time share"
        raise InvalidInput(f"target {what}", share, "Give more than 0 and at most 1.")


def _always(candidates: Candidates, must_run: Sequence[str]) -> NDArray[np.int8]:
    causes = np.full(len(candidates.names), Cause.LEFT_OUT, dtype=np.int8)
    causes[np.isnan(candidates.probability)] = Cause.UNKNOWN
    causes[matching(candidates.names, must_run)] = Cause.MUST_RUN
    causes[candidates.failed_runs_ago <= RECENT_RUNS] = Cause.FAILED_RECENTLY
    causes[candidates.new] = Cause.NEW
    return causes


def _claim(target: Confidence | MissRate, table: RecallTable | None, project: str) -> float:
    if table is None:
        return 1.0
    if isinstance(target, Confidence):
        claim = table.claim_for(target.recall)
    else:
        claim = table.misses.claim_for(project, target.rate)
    return 1.0 if claim is None else claim


def _aim_at_time(
    causes: NDArray[np.int8], costs: Floats, order: NDArray[np.intp], target: TimeShare | Budget
) -> None:
    budget = _budget_s(target, costs)
    always = causes != Cause.LEFT_OUT
    free = order[~always[order]]
    spent = costs[always].sum() + np.cumsum(costs[free])
    _choose(causes, free[spent <= budget * (1 + 1e-9)])


def _budget_s(target: TimeShare | Budget, costs: Floats) -> float:
    return target.seconds if isinstance(target, Budget) else target.share * float(costs.sum())


def _choose(causes: NDArray[np.int8], chosen: NDArray[np.intp]) -> None:
    causes[chosen] = np.where(causes[chosen] == Cause.LEFT_OUT, Cause.CHOSEN, causes[chosen])


def _claimed(chance: Floats, selected: NDArray[np.intp]) -> float:
    total = float(chance.sum())
    return float(chance[selected].sum()) / total if total > 0 else 0.0


def _expected_recall(claim: float | None, table: RecallTable | None) -> float | None:
    if claim is None:
        return 1.0
    return table.expected(claim) if table is not None and table.builds else None


def _realised(
    target: Target, claim: float | None, table: RecallTable | None, project: str
) -> Realised:
    if table is None:
        return Realised(misses=0, builds=0)
    if isinstance(target, MissRate):
        return table.misses.realised(project, target.rate)
    return table.misses.missed_by(project, 1.0 if claim is None else claim)


def _remark(causes: NDArray[np.int8], costs: Floats, target: Target, realised: Realised) -> str:
    if isinstance(target, Confidence):
        return ""
    if isinstance(target, MissRate):
        return _slipped(target, realised)
    always = (causes != Cause.LEFT_OUT) & (causes != Cause.CHOSEN)
    budget, needed = _budget_s(target, costs), float(costs[always].sum())
    if needed <= budget * (1 + 1e-9):
        return ""
    return (
        f"new, recently failed and must-run tests take {needed:.0f} s, "
        f"more than the {budget:.0f} s that were asked for"
    )


def _slipped(target: MissRate, realised: Realised) -> str:
    said = f"at most {per_cent(target.rate)} of the failing builds slip through"
    if realised.rate is None:
        return f"{said}; how many did is not known yet"
    return f"{said}; {per_cent(realised.rate)} did on the {realised.builds} past failing builds"
