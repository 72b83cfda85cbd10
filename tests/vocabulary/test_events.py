"""A finished history becomes the stream a live service would have seen."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmind.ci import (
    BuildOutcome,
    BuildStatus,
    FinishedBuild,
    QueuedBuild,
    TestReport,
    TestRun,
    Verdict,
)
from devmind.errors import InvalidInput
from devmind.events import Finished, Queued, Reported, in_order_of_time

START = datetime(2026, 1, 5, tzinfo=UTC)


def build(number, at_s, lasts_s):
    queued_at = START + timedelta(seconds=at_s)
    return FinishedBuild(
        build=QueuedBuild(
            project="shop", pipeline="ci", external_id=str(number), queued_at=queued_at
        ),
        outcome=BuildOutcome(
            status=BuildStatus.PASSED, finished_at=queued_at + timedelta(seconds=lasts_s)
        ),
        reports=(TestReport(runs=(TestRun(name="t", verdict=Verdict.PASSED),)),),
    )


histories = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), max_size=20).map(
    lambda spans: [build(i, at, lasts) for i, (at, lasts) in enumerate(sorted(spans))]
)


@given(histories)
def test_events_come_in_the_order_in_which_they_happened(history):
    """
    No event comes before another that happened earlier, and none is lost.
    """
    queued_at = {b.build.build_id: b.build.queued_at for b in history}
    finished_at = {b.build.build_id: b.outcome.finished_at for b in history}
    events = list(in_order_of_time(history))

    times = [
        queued_at[e.build_id] if isinstance(e, Queued) else finished_at[e.build_id] for e in events
    ]
    assert sorted(times) == times
    assert 3 * len(history) == len({(type(e), e.build_id) for e in events})


def test_a_running_build_reports_after_the_next_was_queued():
    """
    What a slow build found out is not known when the next one starts.
    """
    slow, quick = build(1, 0, 600), build(2, 10, 5)

    kinds = [(type(e), e.build_id) for e in in_order_of_time([slow, quick])]

    assert kinds == [
        (Queued, slow.build.build_id),
        (Queued, quick.build.build_id),
        (Reported, quick.build.build_id),
        (Finished, quick.build.build_id),
        (Reported, slow.build.build_id),
        (Finished, slow.build.build_id),
    ]


def test_an_unsorted_source_is_refused():
    """
    Builds out of order are refused with both times.
    """
    with pytest.raises(InvalidInput, match="2026-01-05T00:00:00"):
        list(in_order_of_time([build(1, 60, 1), build(2, 0, 1)]))
