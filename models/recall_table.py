"""What share of the failing tests a subset catches, as measured on past builds.

What a model's claim (`models.claims`) is worth is measured: on past builds that had failing tests
and that the model had not learned from, a subset is chosen for each claim and the failing tests in
it are counted. A larger claim never chooses a smaller subset, so recall grows with it, and picking
the smallest claim whose recall is high enough is conformal risk control. How many builds had no
failing test caught at all is measured beside it (`models.miss_table`).

References:
    Angelopoulos et al., "Conformal Risk Control", 2024.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.claims import PastBuild, by_probability, claims, prefix
from models.manifest import Manifest
from models.miss_table import MissTable

__all__ = ["GRID", "PastBuild", "RecallTable", "by_probability", "claims", "prefix"]

Floats = NDArray[np.float64]

GRID = np.unique(np.concatenate([np.linspace(0, 0.99, 100), 1 - np.logspace(-2, -5, 31), [1.0]]))
_CLAIM, _RECALL, _BUILDS = "recall_claim", "recall_measured", "recall_builds"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecallTable:
    """Claims and what they were worth.

    Attributes:
        claim: Ascending (m,), the last is 1.
        recall: Mean recall over the builds (m,), ascending.
        builds: How many builds with failing tests it was measured on.
        misses: Which builds with failing tests would have gone through, project by project.
    """

    claim: Floats
    recall: Floats
    builds: int
    misses: MissTable = field(default_factory=MissTable)

    @classmethod
    def measure(cls, past: Iterable[PastBuild]) -> RecallTable:
        """Measure on past builds, those of a project in order of time.

        Builds in which nothing failed, or only what is known to be flaky, say nothing.
        """
        failing = [build for build in past if build.to_catch.any()]
        found = [_recalls(build) for build in failing]
        mean = np.mean(found, axis=0) if found else np.zeros(GRID.size)
        return cls(
            claim=GRID,
            recall=np.asarray(mean, dtype=np.float64),
            builds=len(found),
            misses=MissTable.measure(failing),
        )

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
        builds, misses = int(manifest.number(_BUILDS, 0.0)), MissTable.from_manifest(manifest)
        return cls(claim=claim, recall=recall, builds=builds, misses=misses)

    def to_calibration(self) -> dict[str, float | tuple[float, ...]]:
        """Return what `from_manifest` reads, for the manifest's `calibration`."""
        return {
            _CLAIM: tuple(self.claim.tolist()),
            _RECALL: tuple(self.recall.tolist()),
            _BUILDS: float(self.builds),
            **self.misses.to_calibration(),
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


def _recalls(build: PastBuild) -> Floats:
    order, to_catch, certain = build.order(), build.to_catch, build.certain
    claimed = build.claimed(order)
    chosen = (to_catch & ~certain)[order]
    caught = np.concatenate([[0], np.cumsum(chosen)]) + int((to_catch & certain).sum())
    taken = np.minimum(np.searchsorted(claimed, GRID) + 1, claimed.size)
    taken[GRID <= 0], taken[GRID >= 1] = 0, claimed.size
    return np.asarray(caught[taken] / to_catch.sum(), dtype=np.float64)
