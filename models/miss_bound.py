"""How large a claim it takes so that at most a stated share of failing builds goes unnoticed.

Each past failing build is one number: the smallest claim whose subset would have held a failing
test (`models.claims.PastBuild.needed`). All functions here are pure functions of these numbers, in
order of time. A claim is chosen so that, were the next failing build one more draw of the same
kind, it would go through with a probability of at most the stated rate: the conformal quantile,
corrected for n being finite.

Past and future are never quite alike: failing builds come in streaks, and projects change. A
project whose failures become harder to foresee breaks the quantile of its whole past for as long
as the old builds outnumber the new. So the bound has to hold on all past builds and on the newest
of them alone (`WINDOWS`), wherever these are enough for the rate; the largest claim wins. That is
also a margin for chance where nothing changes. A smaller rate never gives a smaller claim.

References:
    Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WINDOWS = (1.0, 0.5, 0.25)
"""Shares of the past builds, the newest, on each of which the bound has to hold."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Realised:
    """How many of so many failing builds went through with no failing test caught."""

    misses: int
    builds: int

    @property
    def rate(self) -> float | None:
        """The share of them, `None` where there were none."""
        return self.misses / self.builds if self.builds else None


def builds_needed(rate: float) -> int:
    """Return how many past failing builds it takes to promise *rate* at all: 1 / rate - 1.

    Example:
        >>> builds_needed(0.05)
        19
    """
    return max(math.ceil(1 / rate - 1 - _ROUNDING), 1)


def misses_allowed(builds: int, rate: float) -> int:
    """Return how many of *builds* may have been missed for *rate* to be promised; -1 for no way.

    The next build counts as one more, and as a miss.
    """
    return max(math.floor((builds + 1) * rate + _ROUNDING), 0) - 1


def claim_for(needed: Floats, rate: float) -> float | None:
    """Return the smallest claim that keeps *rate* on the past builds and on the newest of them.

    Args:
        needed: Claims that past failing builds needed (n,), oldest first.
        rate: The share of failing builds that may go through, more than 0 and less than 1.

    Returns:
        `None` if n is below `builds_needed(rate)`.
    """
    builds = needed.size
    if builds < builds_needed(rate):
        return None
    newest = {math.ceil(builds * share) for share in WINDOWS}
    found = (_quantile(needed[builds - count :], rate) for count in newest)
    return max(claim for claim in found if claim is not None)


def realised(needed: Floats, rate: float) -> Realised:
    """Return how many builds went through when each was answered by what was known before it.

    Builds before which nothing could be promised are not counted: they ran all tests.
    """
    claims = [claim_for(needed[:i], rate) for i in range(needed.size)]
    answered = [(c, n) for c, n in zip(claims, needed.tolist(), strict=True) if c is not None]
    return Realised(misses=sum(n > claim for claim, n in answered), builds=len(answered))


def _quantile(needed: Floats, rate: float) -> float | None:
    if needed.size < builds_needed(rate):
        return None
    place = needed.size - 1 - max(misses_allowed(needed.size, rate), 0)
    return float(np.partition(needed, place)[place])
