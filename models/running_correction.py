"""How far the failure model is off lately in one project, and what it takes to be right again.

Platt's numbers are fitted once, on all projects; since then a project may have broken more, or
mended its tests. What the model says of builds that have finished, beside what came of them,
shows by how much. What may be chance is not corrected: scores of today and of last week should be
on one scale unless something has really changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.calibration import sigmoid

Floats = NDArray[np.float64]

BUILDS = 200
"""The newest so many builds are looked at."""
HALF_LIFE = 100.0
"""In builds: how fast the say of an older one halves."""
CHANCE = 4.0
"""So many times the variance of the estimate is taken for chance and shrunk away."""
RUN = 10
"""Builds that may have failed for one reason."""
SPREAD = 1.0
"""Standard deviation of the prior of a shift, so that one class alone moves it finitely far."""
_STEPS = 25
_STILL = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningCorrection:
    """A calibrated logit x becomes `x + shift`; the order of builds stays.

    Attributes:
        shift: Above 0 where more fails than the model says.
    """

    shift: float = 0.0

    def apply(self, logit: ArrayLike) -> Floats:
        """Return the corrected logits (n,)."""
        return np.asarray(np.asarray(logit, dtype=np.float64) + self.shift)


def fit_correction(logit: ArrayLike, failed: ArrayLike) -> RunningCorrection:
    """Estimate the shift of a project, and shrink it by what chance alone would give.

    The estimate is the mode under a wide normal prior, newer builds weighing more; it is shrunk
    as James and Stein do, `1 - CHANCE * variance / shift^2`, and to nothing where that is less.
    The variance is that of independent builds or of independent runs of builds, the larger one.

    Args:
        logit: Calibrated logits (m,) of finished builds the model had not learned from, in the
            order of finishing; the newest `BUILDS` are used.
        failed: Whether each failed (m,).

    Returns:
        The correction; none without builds, or without more than chance.

    References:
        D. Cox, "Two further applications of a model for binary regression", 1958 (the intercept
        of calibration); B. Efron, C. Morris, "Stein's estimation rule and its competitors", 1973;
        B. Schmeiser, "Batch size effects in the analysis of simulation output", 1982 (batches).
    """
    x = np.asarray(logit, dtype=np.float64)[-BUILDS:]
    truth = np.asarray(failed, dtype=np.float64)[-BUILDS:]
    weight = 0.5 ** (np.arange(x.size)[::-1] / HALF_LIFE)
    shift = _mode(x, truth, weight)
    p = sigmoid(x + shift)
    known = float(weight @ (p * (1 - p)))
    if shift == 0.0 or known <= 0.0:
        return RunningCorrection()
    by_chance = max(float(weight**2 @ (p * (1 - p))), _of_runs(weight * (truth - p)))
    variance = by_chance / known**2
    return RunningCorrection(shift=shift * max(0.0, 1.0 - CHANCE * variance / shift**2))


def _of_runs(rest: Floats) -> float:
    """Return the variance of a sum of *rest* (m,) whose neighbours are alike.

    Builds that finish together often fail together, as the stages of one change do; so runs of
    `RUN` builds are taken for what is independent, not builds.
    """
    starts = np.arange(0, rest.size, RUN)
    return float((np.add.reduceat(rest, starts) ** 2).sum())


def _mode(x: Floats, truth: Floats, weight: Floats) -> float:
    """Return the most likely shift under the prior, by Newton's method; 0 without builds."""
    shift = 0.0
    for _ in range(_STEPS):
        p = sigmoid(x + shift)
        slope = float(weight @ (p - truth)) + shift / SPREAD**2
        bend = float(weight @ (p * (1 - p))) + 1 / SPREAD**2
        step = min(max(slope / bend, -1.0), 1.0)
        shift -= step
        if abs(step) < _STILL:
            break
    return shift
