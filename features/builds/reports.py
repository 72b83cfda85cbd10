"""How the tests went in the pipeline's last build that reported any."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from features.context import Context, Reported
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.recent import Recent

HALF_LIFE = 5.0
_ALPHA = 1 - 2 ** (-1 / HALF_LIFE)

Totals = tuple[str, int, int, float]
"""Build, tests run, tests failing, smoothed failing share before this build."""


class Reports(Feature):
    """Failing tests of the pipeline's latest reporting build; a build's reports add up.

    Shape:  4 columns: tests run, tests failing, failing share, smoothed failing share.
    Unit:   tests, shares; NaN until a build of the pipeline has reported.
    Source: test reports recorded before the build was queued.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = (
        "last_report_tests",
        "last_report_failing",
        "last_report_failing_share",
        "report_failing_share_ewma",
    )
    group = "test_reports"

    def __init__(self) -> None:
        self._last: Recent[Totals] = Recent(limit=1_024)

    def read(self, context: Context) -> Sequence[float]:
        """Return the counts and shares."""
        last = self._last.get(context.traits.pipeline)
        if last is None:
            return (NAN, NAN, NAN, NAN)
        _, run, failing, before = last
        share = failing / run
        return (float(run), float(failing), share, _smooth(before, share))

    def reported(self, reported: Reported) -> None:
        """Learn a report's counts; empty reports tell nothing."""
        if reported.tests_run == 0:
            return
        build, pipeline = reported.traits.build_id, reported.traits.pipeline
        run, failing = reported.tests_run, reported.tests_failing
        last = self._last.get(pipeline)
        before = NAN
        if last is not None and last[0] == build:
            run, failing, before = run + last[1], failing + last[2], last[3]
        elif last is not None:
            before = _smooth(last[3], last[2] / last[1])
        self._last.put(pipeline, (build, run, failing, before))

    def freeze(self) -> Tree:
        """Return the totals by pipeline."""
        return self._last.freeze(list)

    def thaw(self, tree: Tree) -> None:
        """Take over the totals."""
        self._last.thaw(tree, lambda row: (row[0], row[1], row[2], row[3]))


def _smooth(before: float, share: float) -> float:
    return share if math.isnan(before) else before + _ALPHA * (share - before)
