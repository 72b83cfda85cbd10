"""Every feature of a test: the one list to add to."""

from __future__ import annotations

from features.verdicts.counts import Counts
from features.verdicts.durations import TestDurations
from features.verdicts.failed_together import FailedTogether
from features.verdicts.feature import TestFeature
from features.verdicts.last_build import LastBuild
from features.verdicts.last_verdicts import LastVerdicts
from features.verdicts.newcomers import Newcomers
from features.verdicts.path_tokens import PathTokens
from features.verdicts.ranks import Ranks
from features.verdicts.recency import Recency
from features.verdicts.similar_builds import SimilarBuilds
from features.verdicts.touched_together import TouchedTogether
from features.verdicts.transitions import Transitions
from features.verdicts.verdict_means import VerdictMeans


def every_feature(
    counts: Counts, durations: TestDurations, *, capacity: int
) -> tuple[TestFeature, ...]:
    """Return the features, empty but for the two given; their order is that of the columns.

    Args:
        counts: Runs and failures, which callers ask for beside the rows.
        durations: Durations, which callers ask for beside the rows.
        capacity: Tests to make room for at first.
    """
    return (
        VerdictMeans(counts, capacity=capacity),
        LastVerdicts(capacity=capacity),
        counts,
        Newcomers(counts),
        Recency(capacity=capacity),
        Transitions(capacity=capacity),
        durations,
        LastBuild(),
        SimilarBuilds(capacity=capacity),
        FailedTogether(),
        TouchedTogether(),
        PathTokens(),
        Ranks(),
    )
