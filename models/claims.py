"""What a model claims of a subset of tests, and what past builds would have needed it to claim.

A *claim* is the probabilities of the chosen tests over the probabilities of all. Tests are taken
by falling probability until the claim is reached; a larger claim never takes fewer. Of a tie the
cheaper test goes first, then the name.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PastBuild:
    """A past build's tests: what the model said before, and what happened.

    Attributes:
        probability: Out-of-sample probabilities (n,); NaN where the model knew nothing of a test,
            which any subset then holds.
        failed: Whether each test failed (n,).
        always: Tests that any subset holds (n,), `None` for none.
        flaky: Failures known to be flaky (n,), the test having passed on the same commit too:
            nobody needs to catch them. `None` for none.
        expected_s: Expected seconds (n,), by which ties are broken; `None` for all the same.
        project: Whose build it is.
    """

    probability: Floats
    failed: Bools
    always: Bools | None = None
    flaky: Bools | None = None
    expected_s: Floats | None = None
    project: str = ""

    @property
    def to_catch(self) -> Bools:
        """Failing tests that somebody has to look at (n,)."""
        return self.failed if self.flaky is None else self.failed & ~self.flaky

    @property
    def certain(self) -> Bools:
        """Tests that any subset holds (n,)."""
        unknown = np.isnan(self.probability)
        return unknown if self.always is None else self.always | unknown

    def order(self) -> NDArray[np.intp]:
        """Return the order in which a claim takes the tests (n,)."""
        cost = np.zeros(self.failed.size) if self.expected_s is None else self.expected_s
        return by_probability(np.nan_to_num(self.probability, nan=0.0), cost)

    def claimed(self, order: NDArray[np.intp]) -> Floats:
        """Return what the first 1, 2, ... tests of *order* claim (n,)."""
        return claims(np.nan_to_num(self.probability, nan=0.0), order)

    def needed(self) -> float | None:
        """Return the smallest claim whose subset holds a test to catch.

        Returns:
            0 if such a test is in any subset, `None` if the build has nothing to catch.
        """
        to_catch = self.to_catch
        if not to_catch.any():
            return None
        if (to_catch & self.certain).any():
            return 0.0
        order = self.order()
        first = int(np.flatnonzero(to_catch[order])[0])
        before = float(self.claimed(order)[first - 1]) if first else 0.0
        return min(float(np.nextafter(before, 2.0)), 1.0)


def by_probability(
    probability: Floats, cost: Floats, tie: NDArray[np.intp] | None = None
) -> NDArray[np.intp]:
    """Indices by falling probability; of a tie the cheaper first, then the lower *tie*."""
    last = np.arange(probability.size) if tie is None else tie
    return np.lexsort((last, cost, -probability))


def claims(probability: Floats, order: NDArray[np.intp]) -> Floats:
    """Return what the first 1, 2, ... tests of *order* claim; the last is 1 exactly."""
    spent = np.cumsum(probability[order])
    if not spent.size or spent[-1] <= 0:
        return np.ones(spent.size)
    share = spent / spent[-1]
    share[-1] = 1.0
    return np.asarray(np.minimum(share, 1.0), dtype=np.float64)


def prefix(claimed: Floats, claim: float) -> int:
    """Return how many tests of an order it takes to claim at least *claim*."""
    if claim >= 1:
        return int(claimed.size)
    return int(np.searchsorted(claimed, claim, side="left")) + 1 if claim > 0 else 0
