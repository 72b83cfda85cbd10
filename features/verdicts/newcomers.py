"""How new the tests of a build are."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from features.feature import KnownAt
from features.verdicts.counts import Counts
from features.verdicts.feature import Candidates, TestFeature, Values


class Newcomers(TestFeature):
    """How many candidates there are, how many never ran, and how first runs go here.

    Shape:  (n, 3), the same for all tests: candidates, share of them that never ran, share of
            tests that failed in their first run (shrunk to the failure rate of all runs).
    Unit:   count and shares; the last is NaN before the first run of all.
    Source: the build's candidates, `TestsReported` of earlier builds.

    Args:
        counts: Knows the rate of first runs; its columns come before these.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("candidates", "new_share", "first_run_failure_rate")
    group = "newcomers"

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def read(self, candidates: Candidates) -> Values:
        """Return the count and shares."""
        count = len(candidates.tests)
        new = np.count_nonzero(candidates.columns["runs"] == 0) / max(1, count)
        return np.tile((count, new, self._counts.first_run_failure_rate()), (count, 1))
