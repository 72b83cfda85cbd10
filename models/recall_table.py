"""What share of the failing tests a subset catches, as measured on past builds.

A model *claims*: the probabilities of the chosen tests over the probabilities of all. What that
claim is worth is measured: on past builds that had failing tests and that the model had not
learned from, a subset is chosen for each claim and the failing tests in it are counted. A larger
claim never chooses a smaller subset, so recall grows with it, and picking the smallest claim whose
recall is high enough is conformal risk control.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.manifest import Manifest

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

GRID = np.unique(np.concatenate([np.linspace(0, 0.99, 100), 1 - np.logspace(-2, -5, 31), [1.0]]))
_CLAIM, _RECALL, _BUILDS = "recall_claim", "recall_measured", "recall_builds"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PastBuild:
    """A past build's tests: what the model said before, and what happened.

    Attributes:
        probability: Out-of-sample probabilities (n,).
        failed: Whether each test failed (n,).
        always: Tests that any subset holds (n,), `None` for none.
    """

    probability: Floats
    failed: Bools
    always: Bools | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecallTable:
    """Claims and the recall they were worth.

    Attributes:
        claim: Ascending (m,), the last is 1.
        recall: Mean recall over the builds (m,), ascending.
        builds: How many builds with failing tests it was measured on.
    """

    claim: Floats
    recall: Floats
    builds: int

    @classmethod
    def measure(cls, past: Iterable[PastBuild]) -> RecallTable:
        """Measure on past builds; those in which nothing failed say nothing and are left out."""
        found = [_recalls(build) for build in past if build.failed.any()]
        mean = np.mean(found, axis=0) if found else np.zeros(GRID.size)
        return cls(claim=GRID, recall=np.asarray(mean, dtype=np.float64), builds=len(found))

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> RecallTable | None:
        """Return the table of a bundle, `None` if it has none.

        Raises:
            ValueError: If its columns differ in length.
        """
        claim, recall = manifest.array(_CLAIM), manifest.array(_RECALL)
        if claim.size != recall.size:
            raise ValueError(f"a recall table of {claim.size} claims and {recall.size} recalls")
        if not claim.size:
            return None
        return cls(claim=claim, recall=recall, builds=int(manifest.number(_BUILDS, 0.0)))

    def to_calibration(self) -> dict[str, float | tuple[float, ...]]:
        """Return what `from_manifest` reads, for the manifest's `calibration`."""
        return {
            _CLAIM: tuple(self.claim.tolist()),
            _RECALL: tuple(self.recall.tolist()),
            _BUILDS: float(self.builds),
        }

    def claim_for(self, recall: float) -> float | None:
        """Return the smallest claim whose expected recall on the next build is at least *recall*.

        The next build counts as one more, and as a miss: n builds can promise n / (n + 1) at most.

        Returns:
            `None` when too few builds were measured to promise so much.
        """
        reached = np.flatnonzero(self._promised() >= recall)
        return float(self.claim[reached[0]]) if reached.size else None

    def expected(self, claim: float) -> float:
        """Return the expected recall of a subset with *claim* that leaves something out."""
        place = int(np.searchsorted(self.claim, claim * (1 + 1e-12), side="right")) - 1
        return float(self._promised()[min(max(place, 0), max(self.claim.size - 2, 0))])

    def _promised(self) -> Floats:
        return self.recall * self.builds / (self.builds + 1)


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


def _recalls(build: PastBuild) -> Floats:
    order = by_probability(build.probability, np.zeros(build.probability.size))
    claimed = claims(build.probability, order)
    always = np.zeros(build.failed.size, np.bool_) if build.always is None else build.always
    chosen = (build.failed & ~always)[order]
    caught = np.concatenate([[0], np.cumsum(chosen)]) + int((build.failed & always).sum())
    taken = [min(prefix(claimed, claim), claimed.size) for claim in GRID]
    return np.asarray(caught[taken] / build.failed.sum(), dtype=np.float64)
