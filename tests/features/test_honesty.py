from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devmind.ci import BuildStatus, Change
from features.build_state import BuildState
from features.replay import replay_builds, replay_tests
from features.verdict_state import TestState
from history.events import BuildFinished, BuildQueued, TestsReported
from tests.factories import queued
from tests.features.asking import fold
from tests.features.histories import event_lists

FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def ends_altered(events, after):
    """Return *events* with every outcome and verdict behind number *after* turned around."""
    opposite = {BuildStatus.PASSED: BuildStatus.FAILED}
    altered = []
    for event in events:
        if event.sequence <= after:
            altered.append(event)
        elif isinstance(event, BuildFinished):
            status = opposite.get(event.outcome.status, BuildStatus.PASSED)
            altered.append(replace(event, outcome=replace(event.outcome, status=status)))
        elif isinstance(event, TestsReported):
            altered.append(replace(event, verdicts=(1 - event.verdicts % 2).astype(np.int8)))
        else:
            altered.append(event)
    return altered


@FEW
@given(event_lists())
def test_replayed_build_row_is_what_a_live_service_read(events):
    """
    Each replayed row of a build is what a state that folded all events before it reads.
    """
    examples = replay_builds(events)

    rows = dict(zip(examples.sequence.tolist(), examples.rows, strict=True))
    for event in events:
        if event.sequence in rows:
            live = fold(BuildState(), events[: event.sequence - 1])
            np.testing.assert_array_equal(rows[event.sequence], live.read(event.build))


@FEW
@given(event_lists())
def test_replayed_test_rows_are_what_a_live_service_read(events):
    """
    Each replayed row of a test is what a state that folded all events before it reads.
    """
    examples = replay_tests(events)

    for event in events:
        mine = examples.sequence == event.sequence
        if isinstance(event, BuildQueued) and mine.any():
            live = fold(TestState(), events[: event.sequence - 1])
            row = live.read(event.build, examples.tests[mine])
            np.testing.assert_array_equal(examples.rows[mine], row)


@FEW
@given(event_lists())
def test_recording_a_build_does_not_change_its_row(events):
    """
    A build reads the same just before its queued event and from then on until it has ended.
    """
    state = BuildState()
    running = {}
    for event in events:
        if isinstance(event, BuildQueued):
            running[event.build_id] = (event.build, state.read(event.build))
        elif isinstance(event, BuildFinished):
            running.pop(event.build_id)
        state.update(event)

        for build, row in running.values():
            np.testing.assert_array_equal(row, state.read(build))


@FEW
@given(event_lists(), st.data())
def test_the_future_changes_no_row(events, data):
    """
    Rows up to event t stay when every outcome and verdict after t is turned around.
    """
    moment = data.draw(st.integers(0, len(events)))
    altered = ends_altered(events, moment)
    lived, dreamt = BuildState(), BuildState()
    tests, dreamt_tests = TestState(), TestState()
    fold(tests, events[:moment])
    fold(dreamt_tests, altered[:moment])
    fold(lived, events[:moment])
    fold(dreamt, altered[:moment])
    before = [event.sequence for event in events[:moment] if isinstance(event, BuildQueued)]
    real, other = replay_tests(events), replay_tests(altered)

    assert lived.freeze() == dreamt.freeze()
    assert tests.freeze() == dreamt_tests.freeze()
    mine, theirs = np.isin(real.sequence, before), np.isin(other.sequence, before)
    if np.array_equal(real.tests[mine], other.tests[theirs]):
        np.testing.assert_array_equal(real.rows[mine], other.rows[theirs])


@FEW
@given(event_lists(), st.data())
def test_a_running_build_is_invisible(events, data):
    """
    How a build ends changes no row that is read before its end is recorded.
    """
    ends = [event for event in events if isinstance(event, BuildFinished)]
    if not ends:
        return
    end = data.draw(st.sampled_from(ends))
    altered = ends_altered([end], after=0)
    rows = replay_builds(events)
    others = replay_builds([altered[0] if event is end else event for event in events])

    seen = dict(zip(others.sequence.tolist(), others.rows, strict=True))
    for sequence, row in zip(rows.sequence.tolist(), rows.rows, strict=True):
        if sequence < end.sequence and sequence in seen:
            np.testing.assert_array_equal(row, seen[sequence])


@FEW
@given(event_lists(), st.data())
def test_freezing_forgets_nothing(events, data):
    """
    A state thawed at any moment has the same bytes and goes on as if it had never been frozen.
    """
    moment = data.draw(st.integers(0, len(events)))
    for kind in (BuildState, TestState):
        whole = fold(kind(), events[:moment])
        body = whole.freeze()
        thawed = kind.thaw(body)

        assert body == thawed.freeze()
        assert moment == thawed.as_of
        assert fold(whole, events).freeze() == fold(thawed, events).freeze()


@FEW
@given(event_lists())
def test_reading_changes_nothing(events):
    """
    Rows, facts, steps and pipelines may be read at any time without leaving a trace.
    """
    builds, tests = fold(BuildState(), events), fold(TestState(), events)
    before = builds.freeze(), tests.freeze()
    for event in events:
        if isinstance(event, BuildQueued):
            builds.read(event.build)
            builds.facts(event.build)
            builds.steps(event.build.pipeline)
            builds.pipeline(event.build.pipeline)
            tests.read(event.build, tests.tests.active())

    assert before == (builds.freeze(), tests.freeze())


@FEW
@given(event_lists(), st.randoms(use_true_random=False))
def test_order_of_files_says_nothing(events, random):
    """
    A change is a set of files: shuffling them changes neither a row nor what is learned.
    """

    def shuffled(event):
        if not isinstance(event, BuildQueued):
            return event
        files = list(event.build.change.files)
        random.shuffle(files)
        change = replace(event.build.change, files=tuple(files))
        return replace(event, build=replace(event.build, change=change))

    others = [shuffled(event) for event in events]

    assert fold(BuildState(), events).freeze() == fold(BuildState(), others).freeze()
    assert fold(TestState(), events).freeze() == fold(TestState(), others).freeze()
    np.testing.assert_array_equal(replay_builds(events).rows, replay_builds(others).rows)
    np.testing.assert_array_equal(replay_tests(events).rows, replay_tests(others).rows)


@FEW
@given(event_lists(), st.integers(1, 20))
def test_growing_arrays_change_no_test(events, capacity):
    """
    Rows are the same whether arrays grew test by test or had room from the start.
    """
    grown = replay_tests(events, state=TestState(capacity=capacity))
    roomy = replay_tests(events, state=TestState(capacity=1_000))

    np.testing.assert_array_equal(roomy.rows, grown.rows)


@FEW
@given(event_lists(), st.randoms(use_true_random=False))
def test_order_of_candidates_says_nothing(events, random):
    """
    A test's row depends on which tests are candidates, not on their order.
    """
    state = fold(TestState(), events)
    build = next(event.build for event in events if isinstance(event, BuildQueued))
    tests = np.arange(-1, len(state.tests), dtype=np.int32)
    order = list(range(len(tests)))
    random.shuffle(order)

    np.testing.assert_array_equal(state.read(build, tests)[order], state.read(build, tests[order]))


@FEW
@given(event_lists())
def test_folding_an_event_twice_changes_nothing(events):
    """
    A state that meets events again, as after a snapshot, ignores what it has folded.
    """
    for kind in (BuildState, TestState):
        once = fold(kind(), events).freeze()

        assert once == fold(fold(kind(), events), events).freeze()


@FEW
@given(event_lists(), st.data())
def test_replay_in_slices_is_replay_in_one_go(events, data):
    """
    A long history may be replayed in slices, each starting from the state the last one left.
    """
    moment = data.draw(st.integers(0, len(events)))
    state = BuildState()
    first = replay_builds(events[:moment], state=state)
    replay_builds(events[moment:], state=state)
    whole = replay_builds(events)

    shared = np.isin(whole.sequence, first.sequence)
    np.testing.assert_array_equal(whole.rows[shared], first.rows)
    assert fold(BuildState(), events).freeze() == state.freeze()


def test_a_change_is_all_a_row_knows_of_an_empty_history():
    """
    The first build of a project has a row; what history would have told is NaN.
    """
    row = BuildState().read(replace(queued(), change=Change()))

    assert (len(BuildState.names),) == row.shape
    assert np.isnan(row[BuildState.names.index("pipeline_last_s")])
    assert row[BuildState.names.index("hour")] == 12.0
