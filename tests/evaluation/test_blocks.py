"""Which builds are predicted by what was known when."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmind.errors import NotEnoughHistory
from evaluation.blocks import by_calendar, newest_share, recorded_by, refits
from training.examples import Examples


def examples(delays, *, projects=1):
    """Builds of each project, one an hour, whose outcomes come *delays* hours later."""
    n = len(delays)
    queued = np.tile(np.arange(n, dtype=np.float64), projects)
    late = np.tile(np.array(delays, dtype=np.float64), projects)
    names = np.repeat(np.array([f"p{i}" for i in range(projects)], dtype=object), n)
    return Examples(
        names=("x",),
        rows=np.zeros((n * projects, 1), dtype=np.float32),
        project=names,
        sequence=(queued * 100).astype(np.int64),
        known_at=((queued + late) * 100).astype(np.int64) + 1,
        queued_at=queued * 3600,
        duration_s=late * 3600,
        failed=np.zeros(n * projects, dtype=np.bool_),
        flaky=np.zeros(n * projects, dtype=np.bool_),
        test=np.full(n * projects, -1, dtype=np.int32),
    )


delays = st.lists(st.floats(0, 5), min_size=10, max_size=40)


@given(delays, st.floats(0.1, 0.6), st.integers(1, 3))
def test_nothing_known_comes_after_what_is_asked(late, share, projects):
    """
    Every known row of a project ended before the first asked build of that project was queued.
    """
    rows = examples(late, projects=projects)
    block = newest_share(rows, share)

    assert not (block.known & block.asked).any()
    for project in rows.projects:
        own = rows.project == project
        first = rows.sequence[own & block.asked].min()
        assert (rows.known_at[own & block.known] < first).all()


@given(delays, st.integers(1, 9))
def test_refits_ask_for_every_build_once(late, every):
    """
    Walking forward asks for each build after the first ones exactly once, in order.
    """
    rows = examples(late)
    asked = np.zeros(len(rows), dtype=int)
    for block in refits(rows, first=5, cadence=lambda _known: every):
        assert rows.known_at[block.known].max(initial=0) < rows.sequence[block.asked].min()
        asked += block.asked

    assert asked.tolist() == [0] * 5 + [1] * (len(rows) - 5)


@given(delays, st.integers(1, 4))
def test_no_project_learns_from_the_future_of_another(late, parts):
    """
    By the calendar, a row of any project is known only once its outcome was recorded.
    """
    rows = examples(late, projects=2)
    total = np.zeros(len(rows), dtype=int)
    for block in by_calendar(rows, projects=("p1",), last=6, parts=parts):
        recorded_at = rows.known_at[block.known] / 100 * 3600
        assert recorded_at.max(initial=-1) < rows.queued_at[block.asked].min() + 36
        assert set(rows.project[block.asked]) == {"p1"}
        total += block.asked

    assert total.sum() == 6


def test_a_report_that_comes_late_is_not_known_earlier():
    """
    A short test of a build that reported hours later is unknown until then.
    """
    rows = examples([9.0, 0.5, 0.5, 0.5])
    quick = replace(rows, duration_s=np.full(4, 1.0))

    assert recorded_by(quick, 2 * 3600.0).tolist() == [False, True, False, False]


def test_too_short_a_history_is_refused():
    """
    Asking for as many builds as there are says how many are needed.
    """
    with pytest.raises(NotEnoughHistory, match="13"):
        list(by_calendar(examples([0.5] * 12), projects=("p0",), last=12, parts=2))
