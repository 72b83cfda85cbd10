"""When no subset may be chosen, and how to say so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devmind.paths import decides_everything, kind
from models.miss_bound import builds_needed
from models.recall_table import RecallTable
from models.subset import Candidates, Confidence, MissRate, Target

_DECIDES = {
    "dependency": "dependencies",
    "ci": "the definition of the CI",
    "build": "the definition of the build",
}


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


def nothing_to_go_by(
    candidates: Candidates, target: Target, table: RecallTable | None, project: str
) -> str:
    """Say why *target* cannot be aimed at with what was measured; empty when it can."""
    if not np.isfinite(candidates.probability).any():
        return "nothing is known about these tests"
    if isinstance(target, Confidence):
        return _unmeasured_recall(target, table)
    return _unmeasured_misses(target, table, project) if isinstance(target, MissRate) else ""


def per_cent(share: float) -> str:
    """Write a share as a percentage of three digits at most.

    Example:
        >>> per_cent(0.05), per_cent(1 / 32)
        ('5%', '3.12%')
    """
    return f"{share * 100:.3g}%"


def _unmeasured_recall(target: Confidence, table: RecallTable | None) -> str:
    if target.recall >= 1:
        return "only all tests catch every failure for certain"
    if table is None or not table.builds:
        return "recall was never measured on past builds"
    if table.claim_for(target.recall) is not None:
        return ""
    most = table.builds / (table.builds + 1)
    return (
        f"recall was measured on {table.builds} failing builds, which can promise "
        f"{most:.1%} at most, not {target.recall:.1%}"
    )


def _unmeasured_misses(target: MissRate, table: RecallTable | None, project: str) -> str:
    known, needed = table.misses.builds(project) if table else 0, builds_needed(target.rate)
    if known >= needed:
        return ""
    return (
        f"a miss rate of {per_cent(target.rate)} takes {needed} past failing builds "
        f"of this project to promise, {known} were measured"
    )
