"""What forests said of builds they had not learned from: folds in order of time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from models.claims import PastBuild
from models.selection import RECENT_RUNS
from training.examples import Examples, Mask
from training.forest_rows import STRANGERS
from training.split import SplitPolicy


def folds(known: Examples, policy: SplitPolicy, count: int) -> Iterator[Mask]:
    """Yield which rows (n,) to ask an inner model for, oldest first.

    Each fold has a project's next `calibration_share` of builds; the last ends with the newest.
    A project with fewer than `needed` builds is never asked for.

    Args:
        known: Rows of a project in order of `sequence`.
        policy: `calibration_share` and `needed`.
        count: How many folds, as far as there are builds.
    """
    asked = np.zeros((count, len(known)), dtype=np.bool_)
    for project in known.projects:
        own = np.asarray(known.project == project)
        builds = np.unique(known.sequence[own])
        if project == STRANGERS or len(builds) < policy.needed:
            continue
        size = max(1, round(len(builds) * policy.calibration_share))
        for fold in range(count):
            end = len(builds) - (count - 1 - fold) * size
            if end - size > 0:
                chosen = (known.sequence >= builds[end - size]) & (
                    known.sequence <= builds[end - 1]
                )
                asked[fold] |= own & chosen
    yield from (mask for mask in asked if mask.any())


def past_builds(rows: Examples, probability: NDArray[np.float64]) -> Iterator[PastBuild]:
    """Yield the builds of *rows* as `RecallTable.measure` wants them.

    Args:
        rows: Tests of builds (n,), those of a project in order of time.
        probability: Out of sample (n,).
    """
    recent = rows.column("runs_since_failure") + 1 <= RECENT_RUNS
    always = np.asarray(recent | ~(rows.column("runs") > 0), dtype=np.bool_)
    expected = rows.column("test_ewma_s").astype(np.float64)
    number = rows.builds()
    for where in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(number)) + 1):
        if where.size:
            yield PastBuild(
                probability=probability[where],
                failed=rows.failed[where],
                always=always[where],
                flaky=rows.flaky[where],
                expected_s=_costs(expected[where]),
                project=str(rows.project[where[0]]),
            )


def _costs(expected_s: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.isfinite(expected_s)
    usual = float(np.median(expected_s[known])) if known.any() else 1.0
    return np.where(known, expected_s, usual)
