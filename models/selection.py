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
from devmind.paths import decides_everything, kind
from models.must_run import matching
from models.recall_table import RecallTable, by_probability, claims, prefix
from models.subset import (
    Budget,
    Candidates,
    Cause,
    Confidence,
    Floats,
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
) -> Selection:
    """Choose tests to run.

    Args:
        candidates: All tests that could run.
        target: What to aim at.
        table: Measured recall, from the model's bundle.
        must_run: `fnmatch` patterns of tests that are always in.
        run_all_reason: Given when no subset may be chosen (`reason_to_run_all`).
        per_cost: Whether probability is weighed against duration; by default for time targets.

    Raises:
        InvalidInput: If the target is outside its range.
    """
    _refuse_odd(target)
    costs = candidates.costs()
    causes = _always(candidates, must_run)
    chance = np.where(np.isnan(candidates.probability), 0.0, candidates.probability)
    weighed = per_cost if per_cost is not None else not isinstance(target, Confidence)
    score = chance / np.sqrt(np.maximum(costs, 1e-3)) if weighed else chance
    order = by_probability(score, costs, _alphabetical(candidates.names))
    reason = run_all_reason or _nothing_to_go_by(candidates, target, table)
    if reason:
        causes[causes == Cause.LEFT_OUT] = Cause.RUN_ALL
    elif isinstance(target, Confidence):
        _aim_at_recall(causes, chance, order, target, table)
    else:
        _aim_at_time(causes, costs, order, target)
    chosen = causes[order] != Cause.LEFT_OUT
    selected, skipped = order[chosen], order[~chosen]
    return Selection(
        candidates=candidates,
        selected=selected,
        skipped=skipped,
        causes=causes,
        run_all_reason=reason,
        expected_recall=_expected_recall(candidates, selected, skipped, table),
        selected_s=float(costs[selected].sum()),
        total_s=float(costs.sum()),
        remark="" if reason else _remark(causes, costs, target),
    )


def reason_to_run_all(
    changed_files: Sequence[str], *, history: int, needed: int, model_loaded: bool = True
) -> str:
    """Say why no subset may be chosen for a change; empty when one may.

    Args:
        changed_files: Paths relative to the repository's root.
        history: Test reports of the project.
        needed: Reports below which its tests are not known well enough.
        model_loaded: Whether there is a model to ask.
    """
    if not model_loaded:
        return "no model is loaded"
    if history < needed:
        return f"the project has {history} test reports, {needed} are needed"
    if not changed_files:
        return "no changed files were given"
    for path in changed_files:
        if decides_everything(path):
            return f"{path} changed, and {_DECIDES[kind(path).value]} can break any test"
    return ""


def _alphabetical(names: Sequence[str]) -> NDArray[np.intp]:
    place = np.empty(len(names), dtype=np.intp)
    place[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
    return place


_DECIDES = {
    "dependency": "dependencies",
    "ci": "the definition of the CI",
    "build": "the definition of the build",
}


def _refuse_odd(target: Target) -> None:
    if isinstance(target, Budget):
        if not (target.seconds >= 0 and np.isfinite(target.seconds)):
            raise InvalidInput("target seconds", target.seconds, "Give 0 or more.")
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


def _nothing_to_go_by(candidates: Candidates, target: Target, table: RecallTable | None) -> str:
    known = candidates.probability[np.isfinite(candidates.probability)]
    if not known.size:
        return "nothing is known about these tests"
    if not isinstance(target, Confidence):
        return ""
    if target.recall >= 1:
        return "only all tests catch every failure for certain"
    if table is None or not table.builds:
        return "recall was never measured on past builds"
    if table.claim_for(target.recall) is None:
        most = table.builds / (table.builds + 1)
        return (
            f"recall was measured on {table.builds} failing builds, which can promise "
            f"{most:.1%} at most, not {target.recall:.1%}"
        )
    return ""


def _aim_at_recall(
    causes: NDArray[np.int8],
    chance: Floats,
    order: NDArray[np.intp],
    target: Confidence,
    table: RecallTable | None,
) -> None:
    claim = table.claim_for(target.recall) if table else None
    count = prefix(claims(chance, order), 1.0 if claim is None else claim)
    _choose(causes, order[:count])


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


def _expected_recall(
    candidates: Candidates,
    selected: NDArray[np.intp],
    skipped: NDArray[np.intp],
    table: RecallTable | None,
) -> float | None:
    if not skipped.size:
        return 1.0
    if table is None or not table.builds:
        return None
    total = float(np.nansum(candidates.probability))
    chosen = float(np.nansum(candidates.probability[selected]))
    return table.expected(chosen / total if total > 0 else 0.0)


def _remark(causes: NDArray[np.int8], costs: Floats, target: Target) -> str:
    if isinstance(target, Confidence):
        return ""
    always = (causes != Cause.LEFT_OUT) & (causes != Cause.CHOSEN)
    budget, needed = _budget_s(target, costs), float(costs[always].sum())
    if needed <= budget * (1 + 1e-9):
        return ""
    return (
        f"new, recently failed and must-run tests take {needed:.0f} s, "
        f"more than the {budget:.0f} s that were asked for"
    )
